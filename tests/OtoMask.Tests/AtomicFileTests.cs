using System.Diagnostics;
using System.Net.Sockets;

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
    public void A_link_stays_and_what_it_leads_to_is_replaced()
    {
        string elsewhere = Directory.CreateDirectory(Path.Combine(folder, "elsewhere")).FullName, target = Path.Combine(elsewhere, "page.html");
        File.WriteAllText(target, "old");
        foreach ((string name, string to) in (ReadOnlySpan<(string, string)>)[("absolute", target), ("relative", "elsewhere/page.html"), ("chain", "relative"), ("dangling", "elsewhere/new.html")])
        {
            string link = Path.Combine(folder, name);
            File.CreateSymbolicLink(link, to);
            AtomicFile.WriteAllText(link, name);
            Assert.Equal(to, new FileInfo(link).LinkTarget);
            Assert.Equal(name, File.ReadAllText(Path.Combine(elsewhere, name == "dangling" ? "new.html" : "page.html")));
        }
        Assert.Equal(2, Directory.GetFiles(elsewhere).Length);

        string circle = Path.Combine(folder, "circle");
        File.CreateSymbolicLink(circle, "circle");
        Assert.Contains("circle", Assert.Throws<UserErrorException>(() => AtomicFile.WriteAllText(circle, "")).Message);
    }

    [Fact]
    public void A_link_out_of_a_linked_folder_is_followed_as_the_system_does()
    {
        Directory.CreateDirectory(Path.Combine(folder, "deep", "deeper"));
        Directory.CreateSymbolicLink(Path.Combine(folder, "short"), "deep/deeper");
        File.CreateSymbolicLink(Path.Combine(folder, "deep", "deeper", "up"), "../page.html");
        AtomicFile.WriteAllText(Path.Combine(folder, "short", "up"), "text");
        Assert.Equal("text", File.ReadAllText(Path.Combine(folder, "deep", "page.html")));
    }

    [Fact]
    public async Task A_device_or_a_pipe_takes_the_finished_bytes_and_stays_what_it_is()
    {
        string link = Path.Combine(folder, "nothing"), pipe = Path.Combine(folder, "pipe");
        File.CreateSymbolicLink(link, "/dev/null");
        AtomicFile.WriteAllText(link, "text");
        AtomicFile.WriteAllText("/dev/null", "text");
        Assert.Equal("/dev/null", new FileInfo(link).LinkTarget);
        Assert.Equal(FileKind.StreamDevice, FileStatus.Of("/dev/null")!.Value.Kind);

        using (Process make = Process.Start("mkfifo", [pipe]))
            make.WaitForExit();
        Task<byte[]> reader = Task.Run(() => File.ReadAllBytes(pipe));
        AtomicFile.Write(pipe, stream =>
        {
            stream.Write([0, 2]);
            stream.Position = 0; // as formats do that write their header last
            stream.WriteByte(1);
        });
        Assert.Equal([1, 2], await reader);
        Assert.Equal(FileKind.Pipe, FileStatus.Of(pipe)!.Value.Kind);
        Assert.Contains("/dev/full", Assert.Throws<IOException>(() => AtomicFile.WriteAllText("/dev/full", "text")).Message);
    }

    [Fact]
    public void A_socket_is_refused()
    {
        string path = Path.Combine(folder, "s");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        Assert.Contains("socket", Assert.Throws<UserErrorException>(() => AtomicFile.WriteAllText(path, "")).Message);
        Assert.Contains("socket", Assert.Throws<UserErrorException>(() => OutputPlace.Require(path)).Message);
    }

    [Fact]
    public void A_place_is_looked_at_beforehand_and_nothing_is_left_there()
    {
        string path = Path.Combine(folder, "page.html");
        OutputPlace.Require(path);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        File.WriteAllText(path, "old");
        OutputPlace.Require(path, Path.Combine(folder, "other"));
        Assert.Equal("old", File.ReadAllText(Assert.Single(Directory.GetFiles(folder))));
        foreach (string bad in (string[])[folder, Path.Combine(folder, "missing", "page.html"), Path.Combine(path, "page.html"), "/sys/page.html", " "])
            Assert.Contains(bad.Trim(), Assert.Throws<UserErrorException>(() => OutputPlace.Require(bad)).Message);
    }

    [Fact]
    public void A_folder_without_permission_is_the_users_error() =>
        // Not even root may create files there.
        Assert.Contains("/sys/page.html", Assert.Throws<UserErrorException>(() => AtomicFile.WriteAllText("/sys/page.html", "")).Message);
}
