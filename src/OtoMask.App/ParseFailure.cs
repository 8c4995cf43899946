using System.CommandLine;
using System.CommandLine.Parsing;

namespace OtoMask.App;

/// <summary>Says in one line what a command line got wrong, naming the nearest option or verb.</summary>
internal static class ParseFailure
{
    public static string Describe(ParseResult line)
    {
        Command command = line.CommandResult.Command;
        string verb = Path(line.CommandResult);
        string problem = line.UnmatchedTokens is [var stray, ..] ? Unknown(stray, command) : Plain(line.Errors[0].Message);
        return $"{problem} ({verb} --help lists all)";
    }

    private static string Unknown(string stray, Command command)
    {
        bool isOption = stray.StartsWith('-');
        string[] known = isOption
            ? [.. command.Options.Where(option => !option.Hidden).Select(option => option.Name)]
            : [.. command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name)];
        string kind = isOption ? "option" : known.Length > 0 ? "command" : "argument";
        string hint = known.Length > 0 ? $"; did you mean {Nearest.To(stray, known)}?" : "";
        return $"unknown {kind} '{stray}'{hint}";
    }

    // System.CommandLine names .NET types; its users think in numbers.
    private static string Plain(string message) => message
        .Replace(" as expected type 'System.Int32'", ": give a whole number")
        .Replace(" as expected type 'System.Int64'", ": give a whole number")
        .Replace(" as expected type 'System.UInt64'", ": give a whole number, 0 or more")
        .Replace(" as expected type 'System.Double'", ": give a number")
        .TrimEnd('.');

    private static string Path(CommandResult result) => result.Parent is CommandResult parent
        ? $"{Path(parent)} {result.Command.Name}"
        : CommandLine.Name;
}
