namespace OtoMask.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-atomic-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_file_is_replaced_and_nothing_else_is_left()
    {
        string path = Path.Combine(folder, "page.html");
        AtomicFile.WriteAllText(path, "old");
        AtomicFile.WriteAllText(path, "größer");
        Assert.Equal("größer", File.ReadAllText(path));
        AtomicFile.WriteAllBytes(path, [1, 2, 3]);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    [Fact]
    public void A_failure_keeps_the_old_file_and_leaves_no_other()
    {
        string path = Path.Combine(folder, "page.html");
        AtomicFile.WriteAllText(path, "old");
        IOException error = Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.WriteByte(1);
            throw new IOException("No space left on device");
        }));
        Assert.Equal($"cannot write {path}: No space left on device", error.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    [Fact]
    public void A_place_that_cannot_hold_the_file_is_the_users_error()
    {
        File.WriteAllText(Path.Combine(folder, "plain"), "");
        foreach (string path in (string[])[folder, Path.Combine(folder, "missing", "page.html"), Path.Combine(folder, "plain", "page.html"), " "])
        {
            UserErrorException error = Assert.Throws<UserErrorException>(() => AtomicFile.WriteAllText(path, "text"));
            Assert.Contains(path.Trim(), error.Message);
        }
    }

    [Fact]
    public void A_full_disk_is_no_users_error_and_names_the_file()
    {
        IOException error = Assert.Throws<IOException>(() => AtomicFile.Write(Path.Combine(folder, "big"), stream =>
        {
            using FileStream full = new("/dev/full", FileMode.Open, FileAccess.Write);
            full.Write(new byte[8192]);
            full.Flush();
        }));
        Assert.Contains("big", error.Message);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_folder_without_permission_is_the_users_error() =>
        // Not even root may create files there.
        Assert.Contains("/sys/page.html", Assert.Throws<UserErrorException>(() => AtomicFile.WriteAllText("/sys/page.html", "")).Message);
}
