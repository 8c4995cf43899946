using System.Runtime.InteropServices;

namespace OtoMask;

/// <summary>What the system says about a file and .NET does not: whether it is a regular one, and which one it is, whatever its names.</summary>
internal static partial class FileStatus
{
    private const int CurrentFolder = -100;
    private const uint AskKindAndInode = 0x1 | 0x100;
    private const int KindBits = 0xF000, RegularFile = 0x8000;

    /// <summary>Whether a path leads, through links, to a regular file: no folder, pipe, socket or device.</summary>
    /// <remarks>To be asked before opening: to open a pipe that nobody writes to is to wait for ever.</remarks>
    public static bool IsRegular(string path) => Of(path) is { } status ? (status.Mode & KindBits) == RegularFile : File.Exists(path);

    /// <summary>Device and inode that a path leads to: the same for every spelling, link and hard link. Null where there is nothing.</summary>
    public static (uint Major, uint Minor, ulong Inode)? Identity(string path) =>
        Of(path) is { } status ? (status.DeviceMajor, status.DeviceMinor, status.Inode) : null;

    private static Status? Of(string path)
    {
        try
        {
            return OperatingSystem.IsLinux() && Ask(CurrentFolder, path, 0, AskKindAndInode, out Status status) == 0 ? status : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // a C library of before 2018
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Ask(int folder, string path, int flags, uint mask, out Status status);

    /// <summary>Linux's <c>struct statx</c>, alike on every processor (statx(2)).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(28)] public ushort Mode;
        [FieldOffset(32)] public ulong Inode;
        [FieldOffset(136)] public uint DeviceMajor;
        [FieldOffset(140)] public uint DeviceMinor;
    }
}
