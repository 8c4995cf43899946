using System.Text;
using OtoMask.Interop;

namespace OtoMask.Tests.Interop;

public sealed class NpyFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-npy-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData]
    [InlineData(5)]
    [InlineData(0)]
    [InlineData(3, 4)]
    [InlineData(2, 0, 3)]
    [InlineData(1, 2, 3, 4)]
    public void What_is_written_is_read_back(params int[] shape)
    {
        int count = shape.Aggregate(1, (product, length) => product * length);
        float[] values = [.. Enumerable.Range(0, count).Select(i => i * 0.25f - 1)];
        string path = Path.Combine(folder, "a.npy");

        NpyFile.Write(path, values, shape);

        NpyArray array = NpyFile.Read(path);
        Assert.Equal(shape, array.Shape);
        Assert.Equal(values, array.Values);
        Assert.Equal(0, NpyFile.ReadHeader(path).DataOffset % 64);
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    [Theory]
    [InlineData("<f2", new byte[] { 0x00, 0x3C, 0x00, 0xC0 }, 1f, -2f)]
    [InlineData("<f4", new byte[] { 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0 }, 1f, -2f)]
    [InlineData("<f8", new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0 }, 1f, -2f)]
    [InlineData("<i4", new byte[] { 1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF }, 1f, -2f)]
    [InlineData("<i8", new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, 1f, -2f)]
    [InlineData("|u1", new byte[] { 1, 254 }, 1f, 254f)]
    [InlineData("|b1", new byte[] { 1, 0 }, 1f, 0f)]
    public void Every_element_type_becomes_floats(string descr, byte[] data, float first, float second)
    {
        string path = Save($"{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}", data);
        Assert.Equal([first, second], NpyFile.Read(path).Values);
        if (descr[1] != 'f')
            Assert.Equal([(long)first, (long)second], NpyFile.ReadInt64(path).Values);
        else
            Assert.Contains("whole numbers", Assert.Throws<UserErrorException>(() => NpyFile.ReadInt64(path)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_format_version_is_read(byte version) =>
        Assert.Equal([7f], NpyFile.Read(Save("{\"shape\":(1,),\"fortran_order\":False,\"descr\":\"|u1\"}\n", [7], version)).Values);

    [Fact]
    public void Fortran_order_is_put_in_c_order()
    {
        string path = Save("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }", [0, 10, 1, 11, 2, 12]);
        Assert.Equal([0f, 1, 2, 10, 11, 12], NpyFile.Read(path).Values);
    }

    [Theory]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "needs 8 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000,), }", "needs 8000000000 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000, 2000000000, 2000000000), }", "more values")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2000000000, 2000000000), }", "more values")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "character")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "character")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "little-endian")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "little-endian")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "character")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "repeated key")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, }", "lacks")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } import os", "character")]
    [InlineData("__import__('os')", "character 0")]
    [InlineData("", "character 0")]
    public void Bad_headers_end_in_one_clear_line(string header, string part)
    {
        string path = Save(header, [1, 2, 3, 4]);
        string message = Assert.Throws<UserErrorException>(() => NpyFile.Read(path)).Message;
        Assert.Contains(path, message);
        Assert.Contains(part, message);
    }

    [Fact]
    public void Missing_files_folders_and_unwritable_places_are_user_errors()
    {
        Assert.Contains("no such file", Assert.Throws<UserErrorException>(() => NpyFile.Read(Path.Combine(folder, "none.npy"))).Message);
        Assert.Contains("folder", Assert.Throws<UserErrorException>(() => NpyFile.Read(folder)).Message);
        Assert.Throws<UserErrorException>(() => NpyFile.Read(""));
        Assert.Throws<UserErrorException>(() => NpyFile.Read("/dev/null"));
        Assert.Contains("folder", Assert.Throws<UserErrorException>(() => NpyFile.Write(Path.Combine(folder, "no", "a.npy"), [1f], 1)).Message);
        Assert.Contains("folder", Assert.Throws<UserErrorException>(() => NpyFile.Write(folder, [1f], 1)).Message);
        Assert.Throws<ArgumentException>(() => NpyFile.Write(Path.Combine(folder, "a.npy"), [1f], 2));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Writing_over_a_link_replaces_what_it_points_to_and_keeps_the_link()
    {
        string target = Path.Combine(folder, "target"), link = Path.Combine(folder, "link.npy");
        File.WriteAllText(target, "mine");
        File.CreateSymbolicLink(link, target);

        NpyFile.Write(link, [1f], 1);

        Assert.Equal(target, new FileInfo(link).LinkTarget);
        Assert.Equal([1f], NpyFile.Read(target).Values);
    }

    private string Save(string header, byte[] data, byte version = 1)
    {
        string path = Path.Combine(folder, "made.npy");
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)header.Length) : BitConverter.GetBytes(header.Length);
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, version, 0, .. length, .. Encoding.UTF8.GetBytes(header), .. data]);
        return path;
    }
}
