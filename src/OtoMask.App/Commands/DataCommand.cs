using System.CommandLine;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data</c>: labelled tasks to judge encoders by.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Labelled tasks to judge encoders by: from data sets you have.") { DataImportCommand.Create() };
}
