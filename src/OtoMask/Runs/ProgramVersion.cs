using System.Reflection;

namespace OtoMask.Runs;

/// <summary>Which version of this program wrote something.</summary>
internal static class ProgramVersion
{
    /// <summary>The version of this program, with its commit where that is known: <c>0.1.0+5077cde...</c>.</summary>
    public static string Current { get; } = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>What messages call a program of some version, or of none that is known.</summary>
    internal static string NameOf(string version) => version.Length > 0 ? $"otomask {version}" : "another version of otomask";
}
