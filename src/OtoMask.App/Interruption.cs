using System.Globalization;
using System.Runtime.InteropServices;
using OtoMask.Distributed;

namespace OtoMask.App;

/// <summary>Turns the first Ctrl-C or SIGTERM into a cancelled token; a second one ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private const int SignalExitBase = 128, SigInt = 2, SigTerm = 15;
    private static volatile int signalled; // 0, or what a shell expects of a process that ended by the signal
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration interrupt, terminate;

    public Interruption()
    {
        interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Cancel(context, SigInt));
        terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Cancel(context, SigTerm));
    }

    /// <summary>Of processes that have stopped together: what a shell expects of one that any of them was asked by a signal to; 0 where none was.</summary>
    public static int OfAny(TrainingGroup group) => group.Gather(signalled.ToString(CultureInfo.InvariantCulture)).Max(int.Parse);

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>What a shell expects of a process that ended by the signal (130, 143); null before any.</summary>
    public int? ExitCode => signalled == 0 ? null : signalled;

    public void Dispose()
    {
        interrupt.Dispose();
        terminate.Dispose();
        source.Dispose();
    }

    private void Cancel(PosixSignalContext context, int signal)
    {
        if (ExitCode is not null)
            return; // the default, to end at once, stands
        context.Cancel = true;
        signalled = SignalExitBase + signal;
        source.Cancel();
    }
}
