using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace OtoMask;

/// <summary>What can lie at a path.</summary>
internal enum FileKind
{
    /// <summary>Bytes on a disk.</summary>
    Regular,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A pipe, with a name or without.</summary>
    Pipe,

    /// <summary>A device that takes a stream of bytes, such as a terminal or <c>/dev/null</c>.</summary>
    StreamDevice,

    /// <summary>A socket, a disk, or what else no file can be written to.</summary>
    Other,
}

/// <summary>What lies at a path, links followed: of what kind it is, and which file, whatever names it has.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Device">Number of the file system.</param>
/// <param name="Inode">Number of the file there; hard links of a file share it.</param>
internal readonly partial record struct FileStatus(FileKind Kind, ulong Device, ulong Inode)
{
    // struct statx of Linux (statx(2)), which is the same on every processor.
    private const int Size = 256, ModeAt = 28, InodeAt = 32, DeviceMajorAt = 136, DeviceMinorAt = 140;
    private const uint TypeAndInode = 0x1 | 0x100;
    private const int FromCurrentFolder = -100, MayWriteMode = 2, AsEffectiveUser = 0x200;

    /// <summary>What lies there; null where nothing does, or where a folder on the way may not be entered.</summary>
    public static FileStatus? Of(string path)
    {
        var status = new byte[Size];
        if (path.Length == 0 || Query(FromCurrentFolder, Path.GetFullPath(path), 0, TypeAndInode, status) != 0)
            return null;
        ulong major = BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(DeviceMajorAt)), minor = BinaryPrimitives.ReadUInt32LittleEndian(status.AsSpan(DeviceMinorAt));
        return new FileStatus(KindOf(BinaryPrimitives.ReadUInt16LittleEndian(status.AsSpan(ModeAt))), major << 32 | minor, BinaryPrimitives.ReadUInt64LittleEndian(status.AsSpan(InodeAt)));
    }

    /// <summary>Whether a path leads, through links, to a regular file: no folder, pipe, socket or device.</summary>
    /// <remarks>To be asked before opening: to open a pipe that nobody writes to is to wait for ever.</remarks>
    public static bool IsRegular(string path) => Of(path) is { Kind: FileKind.Regular };

    /// <summary>Whether this user may write to what lies at a path.</summary>
    public static bool MayWrite(string path) => Access(FromCurrentFolder, Path.GetFullPath(path), MayWriteMode, AsEffectiveUser) == 0;

    private static FileKind KindOf(int mode) => (mode & 0xF000) switch
    {
        0x8000 => FileKind.Regular,
        0x4000 => FileKind.Folder,
        0x1000 => FileKind.Pipe,
        0x2000 => FileKind.StreamDevice,
        _ => FileKind.Other,
    };

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Query(int folder, string path, int flags, uint mask, [Out] byte[] status);

    [LibraryImport("libc", EntryPoint = "faccessat", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(int folder, string path, int mode, int flags);
}
