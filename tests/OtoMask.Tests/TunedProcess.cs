using System.Runtime.CompilerServices;
using OtoMask.Torch;

namespace OtoMask.Tests;

/// <summary>The tests run as the program does, whose threads sleep while they wait.</summary>
internal static class TunedProcess
{
    [ModuleInitializer]
    public static void Tune() => TorchRuntime.TuneProcess();
}
