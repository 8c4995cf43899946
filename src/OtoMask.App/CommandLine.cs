using System.CommandLine;
using System.CommandLine.Help;
using OtoMask.App.Commands;

namespace OtoMask.App;

/// <summary>The verbs of <c>otomask</c>, one file each in Commands/.</summary>
internal static class CommandLine
{
    /// <summary>The name that messages and help texts use.</summary>
    public const string Name = "otomask";

    public static RootCommand Create()
    {
        var root = new RootCommand("Pre-trains audio encoders by masked prediction; you choose, see, time and compare the masking strategy.")
        {
            HelpName = Name,
        };
        Command[] verbs =
        [
            DemoCommand.Create(),
            MasksCommand.Create(),
            LogMelCommand.Create(),
            DataCommand.Create(),
            PrepareCommand.Create(),
            ImportCommand.Create(),
            PretrainCommand.Create(),
            ProbeCommand.Create(),
            EmbedCommand.Create(),
            ExportCommand.Create(),
            FineTuneCommand.Create(),
            PredictCommand.Create(),
            CompareCommand.Create(),
            StudyCommand.Create(),
            BenchCommand.Create(),
            DoctorCommand.Create(),
        ];
        foreach (Command verb in verbs)
            root.Subcommands.Add(verb);

        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show what there is and how to use it";
        foreach (string dosHabit in (string[])["-?", "/?", "/h"])
            help.Aliases.Remove(dosHabit);
        root.Options.OfType<VersionOption>().Single().Description = "Show the version";
        root.SetAction(line => new HelpAction().Invoke(line));
        return root;
    }
}
