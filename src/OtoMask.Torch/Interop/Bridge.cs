using System.Runtime.InteropServices;

namespace OtoMask.Torch.Interop;

/// <summary>Loads the bridge, and with it libtorch, at the first call of any of its functions.</summary>
internal static unsafe class Bridge
{
    private const int Abi = 10;
    private const string BackendVariable = "OTOMASK_BACKEND";
    private static readonly Lock Gate = new();
    private static nint loaded;
    private static bool isTuned, isEnding;

    /// <summary>The library, ready to be called.</summary>
    /// <exception cref="TorchLoadException">It, or libtorch, is missing, broken, or of another version; a later call tries again.</exception>
    /// <exception cref="TorchSettingException"><c>OTOMASK_KERNELS</c> asks for what there is not, or another variable holds what it cannot.</exception>
    public static nint Load()
    {
        lock (Gate)
            return loaded != 0 ? loaded : isEnding ? throw new TorchLoadException("the process is ending") : loaded = Begin();
    }

    /// <summary>Changes environment and allocator of the process: see <see cref="TorchRuntime.TuneProcess"/>.</summary>
    public static void Tune()
    {
        lock (Gate)
        {
            if (isTuned)
                return;
            if (loaded != 0)
                throw new InvalidOperationException($"libtorch is loaded already and has read its settings; call {nameof(TorchRuntime)}.{nameof(TorchRuntime.TuneProcess)} before anything else of {nameof(OtoMask)}");
            // libgomp reads its settings when libtorch is loaded, from C's environment, which .NET's own setter does not reach.
            // Threads that spin while waiting starve the loaders and each other: 14.3 s instead of 1.3 s a step on 2 cores.
            _ = NativeMethods.SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", 0);
            // But most waits here are microseconds long: looking a thousand times before going to sleep saves 7 % of a step.
            _ = NativeMethods.SetEnvironment("GOMP_SPINCOUNT", "1000", 0);
            // What goes wrong between processes is told as an exception; c10d would write lines of its own besides.
            _ = NativeMethods.SetEnvironment("TORCH_CPP_LOG_LEVEL", "FATAL", 0);
            AppDomain.CurrentDomain.ProcessExit += (_, _) => End();
            isTuned = true;
        }
    }

    // As late as can be: libtorch makes static objects, and with them work for the end, whenever it first needs them. A thread that is
    // loading it just now is waited for, and no other begins.
    private static void End()
    {
        lock (Gate)
        {
            isEnding = true;
            if (loaded != 0)
                _ = ((delegate* unmanaged<int>)NativeLibrary.GetExport(loaded, "om_end_before_destructors"))();
        }
    }

    private static nint Begin()
    {
        try
        {
            // By pointers: a function that is imported would have to be found in the library that is being loaded here.
            nint library = NativeLibrary.Load(NativeMethods.Library, typeof(Bridge).Assembly, null);
            int abi = ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "om_abi"))();
            if (abi != Abi)
                throw new TorchLoadException($"libotomask.so speaks ABI {abi}, this program {Abi}; rebuild with `dotnet build`");
            Settle(library);
            if (Environment.GetEnvironmentVariable(BackendVariable) is { Length: > 0 } backend)
                LoadNamedBackend(backend);
            return library;
        }
        catch (Exception problem) when (problem is TypeLoadException or BadImageFormatException) // no library, or no such function in it
        {
            throw TorchLoadException.Of(problem);
        }
    }

    /// <inheritdoc cref="TorchRuntime.LoadBackend"/>
    public static void LoadBackend(string path)
    {
        try
        {
            NativeLibrary.Load(Path.GetFullPath(path));
        }
        catch (Exception problem) when (problem is DllNotFoundException or BadImageFormatException)
        {
            throw TorchLoadException.OfBackend(path, problem);
        }
    }

    private static void LoadNamedBackend(string path)
    {
        try
        {
            LoadBackend(path);
        }
        catch (TorchLoadException problem)
        {
            throw new TorchSettingException($"{BackendVariable}: {problem.Message}, or unset it");
        }
    }

    private static void Settle(nint library)
    {
        if (isTuned)
            Check(((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "om_keep_memory"))());
        // libtorch counts physical cores, which on a virtual machine may be fewer than those it was given.
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null or "")
            Check(((delegate* unmanaged<int, int>)NativeLibrary.GetExport(library, "om_set_threads"))(Environment.ProcessorCount));
        _ = ProcessorSetting.PretendsAmx; // a word that means nothing is told before any work
        int inUse, best;
        Check(((delegate* unmanaged<int*, int*, int>)NativeLibrary.GetExport(library, "om_kernels"))(&inUse, &best));
        Check(((delegate* unmanaged<int, int>)NativeLibrary.GetExport(library, "om_use_kernels"))((int)KernelSetting.Read((KernelSet)best)));

        void Check(int status)
        {
            if (status != 0)
                throw new TorchException(Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "om_last_error"))()) ?? "unknown native failure");
        }
    }
}
