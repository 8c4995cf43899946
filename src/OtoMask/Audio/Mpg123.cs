using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>An mpg123_handle of libmpg123 (mpg123.org/api, library 1.26 and later), which libsndfile itself decodes mp3 with.</summary>
/// <remarks>Asked directly, because libsndfile takes the length that is estimated from the first frame for the end of the sound.</remarks>
internal sealed partial class Mpg123 : SafeHandle
{
    /// <summary>What <see cref="Read"/> returns besides sound.</summary>
    public const int Ok = 0, Done = -12, NewFormat = -11;

    private const string Library = "libmpg123.so.0";
    private const int AddFlags = 2, RemoveFlags = 13, ResyncLimit = 14;
    private const int Quiet = 0x20, Gapless = 0x40, ForceFloat = 0x400, SkipTags = 0x2000;
    private const int Stitched = 3, EncoderDelay = 5, EncoderPadding = 6;
    private const int Float32 = 0x200, MostGarbage = 1 << 24;

    public Mpg123() : base(0, ownsHandle: true)
    {
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>What went wrong last, in libmpg123's words.</summary>
    public string LastError => Marshal.PtrToStringUTF8(ErrorText(this))?.TrimEnd('.', ' ', '\n') ?? "unknown error";

    /// <summary>Frames from the first to the last, encoder delay and padding included: an estimate before <see cref="Scan"/>.</summary>
    public long Length => LengthOf(this);

    /// <summary>Whether the file was joined from several; known of as much of it as was looked at.</summary>
    public bool IsStitched => State(Stitched) is > 0;

    /// <summary>Frames of silence that the encoder put before and behind the sound, as a LAME tag tells; null without one.</summary>
    public (long Before, long Behind)? Padding => State(EncoderDelay) is >= 0 and long before && State(EncoderPadding) is >= 0 and long behind ? (before, behind) : null;

    /// <summary>Opens the file behind a descriptor, which stays the caller's, up to its first frame; null where there is none.</summary>
    /// <exception cref="SoundLibraryException">libmpg123 is missing or broken.</exception>
    public static Mpg123? Open(SafeHandle file, out int sampleRate, out int channels)
    {
        (sampleRate, channels) = (0, 0);
        try
        {
            _ = Initialise();
            Mpg123 mpeg = New(0, out _);
            if (!mpeg.IsInvalid && mpeg.Begin(file, out sampleRate, out channels))
                return mpeg;
            mpeg.Dispose();
            return null;
        }
        catch (TypeLoadException problem)
        {
            throw SoundLibraryException.Of("libmpg123", "libmpg123-0", problem);
        }
    }

    /// <summary>Looks at every frame, without decoding: <see cref="Length"/> is exact from then on, and seeking quick.</summary>
    public bool Scan() => ScanAll(this) == Ok;

    /// <summary>Moves to a frame; false where that fails.</summary>
    public bool SeekTo(long frame) => Seek(this, frame, 0) >= 0;

    /// <summary>Decodes; <paramref name="done"/> bytes of <paramref name="target"/> are filled.</summary>
    public int Read(Span<byte> target, out nuint done) => ReadBytes(this, ref MemoryMarshal.GetReference(target), (nuint)target.Length, out done);

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Delete(handle);
        return true;
    }

    private bool Begin(SafeHandle file, out int sampleRate, out int channels)
    {
        // Gaps are ours to cut: the library gives up on both where a file is longer than its tag says.
        Set(this, RemoveFlags, Gapless, 0);
        Set(this, AddFlags, Quiet | ForceFloat | SkipTags, 0);
        Set(this, ResyncLimit, MostGarbage, 0);
        (sampleRate, channels) = (0, 0);
        bool opened = OpenDescriptor(this, (int)file.DangerousGetHandle()) == Ok;
        GC.KeepAlive(file);
        if (!opened || Format(this, out nint rate, out channels, out _) != Ok)
            return false;
        sampleRate = (int)rate;
        // What follows in another format is turned into that of the beginning.
        return ClearFormats(this) == Ok && AllowFormat(this, rate, channels, Float32) == Ok;
    }

    private long? State(int key) => GetState(this, key, out nint value, out _) == Ok ? value : null;

    [LibraryImport(Library, EntryPoint = "mpg123_init")]
    private static partial int Initialise();

    [LibraryImport(Library, EntryPoint = "mpg123_new")]
    private static partial Mpg123 New(nint decoder, out int error);

    [LibraryImport(Library, EntryPoint = "mpg123_delete")]
    private static partial void Delete(nint mpeg);

    [LibraryImport(Library, EntryPoint = "mpg123_param")]
    private static partial int Set(Mpg123 mpeg, int parameter, nint value, double number);

    [LibraryImport(Library, EntryPoint = "mpg123_open_fd")]
    private static partial int OpenDescriptor(Mpg123 mpeg, int descriptor);

    [LibraryImport(Library, EntryPoint = "mpg123_getformat")]
    private static partial int Format(Mpg123 mpeg, out nint rate, out int channels, out int encoding);

    [LibraryImport(Library, EntryPoint = "mpg123_format_none")]
    private static partial int ClearFormats(Mpg123 mpeg);

    [LibraryImport(Library, EntryPoint = "mpg123_format")]
    private static partial int AllowFormat(Mpg123 mpeg, nint rate, int channels, int encodings);

    [LibraryImport(Library, EntryPoint = "mpg123_scan")]
    private static partial int ScanAll(Mpg123 mpeg);

    [LibraryImport(Library, EntryPoint = "mpg123_length")]
    private static partial long LengthOf(Mpg123 mpeg);

    [LibraryImport(Library, EntryPoint = "mpg123_seek")]
    private static partial long Seek(Mpg123 mpeg, long frame, int whence);

    [LibraryImport(Library, EntryPoint = "mpg123_read")]
    private static partial int ReadBytes(Mpg123 mpeg, ref byte target, nuint size, out nuint done);

    [LibraryImport(Library, EntryPoint = "mpg123_getstate")]
    private static partial int GetState(Mpg123 mpeg, int key, out nint value, out double number);

    [LibraryImport(Library, EntryPoint = "mpg123_strerror")]
    private static partial nint ErrorText(Mpg123 mpeg);
}
