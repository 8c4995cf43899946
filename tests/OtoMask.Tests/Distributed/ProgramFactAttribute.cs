namespace OtoMask.Tests.Distributed;

/// <summary>A test with a program of somebody else's; skipped, and said so, where it is not installed.</summary>
internal sealed class ProgramFactAttribute : FactAttribute
{
    /// <param name="program">The program.</param>
    /// <param name="package">The Debian package that brings it.</param>
    public ProgramFactAttribute(string program, string package)
    {
        if (!ChildProgram.IsInstalled(program))
            Skip = $"there is no {program}; install the Debian package {package} to run this test";
    }
}
