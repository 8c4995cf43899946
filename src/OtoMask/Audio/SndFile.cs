using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>An open SNDFILE of libsndfile (libsndfile.github.io, C API 1.2).</summary>
internal sealed partial class SndFile : SafeHandle
{
    public const int ModeRead = 0x10, ModeWrite = 0x20;
    public const int FormatWav = 0x010000, FormatFlac = 0x170000, FormatTypeMask = 0x0FFF0000, FormatSubtypeMask = 0xFFFF, Pcm16 = 2;
    private const int CommandGetFormatInfo = 0x1028, CommandSetClipping = 0x10C0;
    private const int FromStart = 0, FromHere = 1;
    private const string Library = "libsndfile.so.1";
    private static readonly Lock Opening = new(); // the library keeps the reason of a failure once for the whole process
    private GCHandle place;

    public SndFile() : base(0, ownsHandle: true)
    {
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Opens the file behind a descriptor, which stays the caller's; invalid on failure, see <see cref="OpenProblem"/>.</summary>
    /// <exception cref="SoundLibraryException">libsndfile is missing or broken.</exception>
    public static SndFile Open(SafeHandle file, int mode, ref Info info)
    {
        try
        {
            // Asked not to close the descriptor, libsndfile still does so when it fails (sf_open_fd sets that wish only after
            // success). Closing it here again would close whatever file another thread got under the same number meanwhile.
            // So it gets a descriptor of its own, and always closes it.
            int own = Duplicate((int)file.DangerousGetHandle());
            GC.KeepAlive(file);
            if (own < 0)
                throw new IOException($"no further file can be opened (error {Marshal.GetLastPInvokeError()}); raise the limit with ulimit -n");
            lock (Opening)
                return OpenDescriptor(own, mode, ref info, closeDescriptor: 1).WithProblem();
        }
        catch (TypeLoadException problem)
        {
            throw SoundLibraryException.Of("libsndfile", "libsndfile1", problem);
        }
    }

    /// <summary>Opens a part of a file, or one with some bytes replaced, for reading; invalid on failure, see <see cref="OpenProblem"/>.</summary>
    /// <exception cref="SoundLibraryException">libsndfile is missing or broken.</exception>
    public static unsafe SndFile Open(SoundBytes bytes, ref Info info)
    {
        VirtualFile calls = new() { Length = &LengthOf, Seek = &MoveIn, Read = &ReadFrom, Write = &WriteNothing, Tell = &PlaceIn };
        GCHandle place = GCHandle.Alloc(new Place(bytes));
        SndFile sound;
        try
        {
            lock (Opening)
                sound = OpenVirtual(ref calls, ModeRead, ref info, GCHandle.ToIntPtr(place)).WithProblem();
        }
        catch (TypeLoadException problem)
        {
            place.Free();
            throw SoundLibraryException.Of("libsndfile", "libsndfile1", problem);
        }
        sound.place = place; // freed with the sound, and by it where opening failed
        return sound;
    }

    /// <summary>Decodes whole frames; fewer than asked for at the end, or where an error stops it.</summary>
    public long ReadFrames(Span<float> interleaved, int channels) =>
        ReadFloats(this, ref MemoryMarshal.GetReference(interleaved), interleaved.Length / channels);

    /// <summary>Encodes whole frames and returns how many were taken.</summary>
    public long WriteFrames(ReadOnlySpan<float> interleaved, int channels) =>
        WriteFloats(this, in MemoryMarshal.GetReference(interleaved), interleaved.Length / channels);

    /// <summary>Moves to a frame from the start; false where the format cannot.</summary>
    public bool SeekTo(long frame) => Seek(this, frame, 0) >= 0;

    /// <summary>Limits samples beyond full scale instead of letting them wrap around.</summary>
    public void ClipSamples() => CommandFlag(this, CommandSetClipping, 0, 1);

    /// <summary>Writes what is still held back and closes. <see cref="SafeHandle.Dispose()"/> does the same without saying whether it worked.</summary>
    /// <returns>True if all is written.</returns>
    public bool CloseChecked()
    {
        nint file = handle;
        SetHandleAsInvalid();
        handle = 0;
        return Close(file) == 0;
    }

    /// <summary>What went wrong last, in libsndfile's words; null if nothing did.</summary>
    public string? LastError => Error(this) == 0 ? null : Marshal.PtrToStringUTF8(ErrorText(this))?.TrimEnd('.', ' ', '\n');

    /// <summary>Why opening failed, in libsndfile's words; null where it did not.</summary>
    public string? OpenProblem { get; private set; }

    /// <summary>A container or encoding in words.</summary>
    public static string FormatName(int format)
    {
        FormatInfo info = new() { Format = format };
        return CommandInfo(0, CommandGetFormatInfo, ref info, Marshal.SizeOf<FormatInfo>()) == 0
            ? Marshal.PtrToStringUTF8(info.Name) ?? "unknown"
            : "unknown";
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        bool closed = Close(handle) == 0;
        FreePlace();
        return closed;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (IsInvalid)
            FreePlace();
    }

    private SndFile WithProblem()
    {
        OpenProblem = IsInvalid ? Marshal.PtrToStringUTF8(OpenErrorText(0))?.TrimEnd('.', ' ', '\n') ?? "unknown error" : null;
        return this;
    }

    private void FreePlace()
    {
        if (place.IsAllocated)
            place.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long LengthOf(nint data) => PlaceOf(data).Bytes.Length;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long MoveIn(long offset, int whence, nint data)
    {
        Place place = PlaceOf(data);
        return place.Offset = whence switch { FromStart => offset, FromHere => place.Offset + offset, _ => place.Bytes.Length + offset };
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe long ReadFrom(void* target, long count, nint data)
    {
        Place place = PlaceOf(data);
        int read = place.Offset < 0 ? 0 : place.Bytes.Read(place.Offset, new Span<byte>(target, (int)Math.Min(count, int.MaxValue)));
        place.Offset += read;
        return read;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe long WriteNothing(void* source, long count, nint data) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long PlaceIn(nint data) => PlaceOf(data).Offset;

    private static Place PlaceOf(nint data) => (Place)GCHandle.FromIntPtr(data).Target!;

    /// <summary>SF_INFO.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Info
    {
        public long Frames;
        public int SampleRate, Channels, Format, Sections, Seekable;
    }

    /// <summary>Where libsndfile reads in bytes that are not a file of their own.</summary>
    private sealed class Place(SoundBytes bytes)
    {
        public SoundBytes Bytes { get; } = bytes;
        public long Offset { get; set; }
    }

    /// <summary>SF_VIRTUAL_IO.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct VirtualFile
    {
        public delegate* unmanaged[Cdecl]<nint, long> Length;
        public delegate* unmanaged[Cdecl]<long, int, nint, long> Seek;
        public delegate* unmanaged[Cdecl]<void*, long, nint, long> Read, Write;
        public delegate* unmanaged[Cdecl]<nint, long> Tell;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct FormatInfo
    {
        public int Format;
        public nint Name, Extension;
    }

    [LibraryImport(Library, EntryPoint = "sf_open_fd")]
    private static partial SndFile OpenDescriptor(int descriptor, int mode, ref Info info, int closeDescriptor);

    [LibraryImport(Library, EntryPoint = "sf_open_virtual")]
    private static partial SndFile OpenVirtual(ref VirtualFile calls, int mode, ref Info info, nint data);

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    private static partial int Duplicate(int descriptor);

    [LibraryImport(Library, EntryPoint = "sf_readf_float")]
    private static partial long ReadFloats(SndFile file, ref float interleaved, long frames);

    [LibraryImport(Library, EntryPoint = "sf_writef_float")]
    private static partial long WriteFloats(SndFile file, ref readonly float interleaved, long frames);

    [LibraryImport(Library, EntryPoint = "sf_seek")]
    private static partial long Seek(SndFile file, long frames, int whence);

    [LibraryImport(Library, EntryPoint = "sf_command")]
    private static partial int CommandFlag(SndFile file, int command, nint data, int flag);

    [LibraryImport(Library, EntryPoint = "sf_command")]
    private static partial int CommandInfo(nint file, int command, ref FormatInfo info, int size);

    [LibraryImport(Library, EntryPoint = "sf_error")]
    private static partial int Error(SndFile file);

    [LibraryImport(Library, EntryPoint = "sf_strerror")]
    private static partial nint ErrorText(SndFile file);

    [LibraryImport(Library, EntryPoint = "sf_strerror")]
    private static partial nint OpenErrorText(nint none);

    [LibraryImport(Library, EntryPoint = "sf_close")]
    private static partial int Close(nint file);
}
