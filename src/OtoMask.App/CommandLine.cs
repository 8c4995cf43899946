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
            ServeCommand.Create(),
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
        OfferChoices(root);
        return root;
    }

    // What the help shows as one of several words, as in --framework <m2d|msm-mae>, the shell can complete.
    private static void OfferChoices(Command command)
    {
        foreach (Option option in command.Options)
        {
            if (option.HelpName?.Split('|') is { Length: > 1 } choices && choices.All(choice => choice.All(letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter == '-')))
                option.CompletionSources.Add(choices);
        }
        foreach (Command verb in command.Subcommands)
            OfferChoices(verb);
    }
}
