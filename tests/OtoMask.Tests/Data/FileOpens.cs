using System.Runtime.InteropServices;

namespace OtoMask.Tests.Data;

/// <summary>Counts how often a file is opened, by whomever (inotify). Opens with neither a read nor a close between count once.</summary>
internal sealed partial class FileOpens : IDisposable
{
    private const int NonBlocking = 0x800, EventBytes = 16; // IN_NONBLOCK; of a file that is watched itself no name follows an event
    private const uint Opened = 0x20, Between = 0x19; // IN_OPEN; IN_CLOSE and IN_ACCESS
    private readonly int queue = InotifyInit(NonBlocking);

    public FileOpens(string path)
    {
        if (InotifyAddWatch(queue, path, Opened | Between) < 0)
            throw new IOException($"{path} cannot be watched: errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Times it was opened since the last look.</summary>
    public int Since()
    {
        byte[] events = new byte[1024 * EventBytes];
        int count = 0;
        while ((int)Read(queue, events, events.Length) is > 0 and int read) // below 0: nothing more has happened
            count += events.Take(read).Chunk(EventBytes).Count(one => (BitConverter.ToUInt32(one, sizeof(int)) & Opened) != 0);
        return count;
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
