using OtoMask.Tests.App;

namespace OtoMask.Tests.Export;

/// <summary>A test that asks a module of Debian's Python for its judgement; skipped, and said so, where it is not installed.</summary>
internal sealed class PythonTheoryAttribute : TheoryAttribute
{
    /// <param name="module">The module; its package is <c>python3-MODULE</c>.</param>
    public PythonTheoryAttribute(string module)
    {
        if (!Directory.Exists($"/usr/lib/python3/dist-packages/{module}"))
            Skip = $"Python has no module {module}; install the Debian package python3-{module} to run this test";
    }

    /// <summary>Runs a script on a file, which it finds in <c>sys.argv[1]</c>.</summary>
    public static AppResult Run(string script, string path) =>
        AppProcess.RunProgram("/usr/bin/python3", ["-c", script, path], start => start.Environment["OMP_NUM_THREADS"] = "1");
}
