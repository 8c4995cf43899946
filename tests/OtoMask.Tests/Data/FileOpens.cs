using System.Runtime.InteropServices;

namespace OtoMask.Tests.Data;

/// <summary>Counts how often a file is opened, by whomever (inotify). Opens without a close between count once.</summary>
internal sealed partial class FileOpens : IDisposable
{
    private const int NonBlocking = 0x800, EventBytes = 16; // IN_NONBLOCK; of a file that is watched itself no name follows an event
    private const uint Opened = 0x20, Closed = 0x18; // IN_OPEN, IN_CLOSE
    private readonly int queue = InotifyInit(NonBlocking);

    public FileOpens(string path)
    {
        if (InotifyAddWatch(queue, path, Opened | Closed) < 0)
            throw new IOException($"{path} cannot be watched: errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Times it was opened since the last look.</summary>
    public int Since()
    {
        byte[] events = new byte[64 * EventBytes];
        int read = (int)Math.Max(0, Read(queue, events, events.Length)); // below 0: nothing has happened
        return events.Take(read).Chunk(EventBytes).Count(one => (BitConverter.ToUInt32(one, sizeof(int)) & Opened) != 0);
    }

    public void Dispose() => _ = Close(queue);

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int InotifyInit(int flags);

    [LibraryImport("libc", EntryPoint = "inotify_add_watch", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InotifyAddWatch(int queue, string path, uint mask);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int queue, [Out] byte[] events, nint length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int queue);
}
