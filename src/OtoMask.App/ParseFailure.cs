using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace OtoMask.App;

/// <summary>Says in one line what a command line got wrong, naming the nearest option or verb.</summary>
internal static class ParseFailure
{
    /// <summary>What is wrong with a command line; null where nothing is.</summary>
    public static string? Of(ParseResult line)
    {
        if (line.Action is HelpAction || AsksForCompletions(line))
            return null;
        string? stray = MistypedVerb(line) ?? TakenForArgument(line) ?? line.UnmatchedTokens.FirstOrDefault();
        if (stray is null && line.Action is not ParseErrorAction)
            return null;
        string problem = stray is not null ? Unknown(stray, line.CommandResult.Command) : Plain(line.Errors[0].Message);
        return $"{problem} ({Path(line.CommandResult)} --help lists all)";
    }

    // [suggest:12], which the shell's completion puts before a line that is only half written.
    private static bool AsksForCompletions(ParseResult line) =>
        line.RootCommandResult.Command is RootCommand root && root.Directives.Any(directive => directive is SuggestDirective && line.GetResult(directive) is not null);

    // Behind a mistyped verb its options are unknown, too: the verb is what to mend.
    private static string? MistypedVerb(ParseResult line) => line.CommandResult.Command.Subcommands.Count > 0 ? line.UnmatchedTokens.FirstOrDefault() : null;

    // A mistyped option is taken for an argument where one is due; what comes after "--" is one, however it begins.
    private static string? TakenForArgument(ParseResult line) => line.Tokens
        .TakeWhile(token => token.Type != TokenType.DoubleDash)
        .FirstOrDefault(token => token.Type == TokenType.Argument && token.Value is ['-', '-' or (>= 'a' and <= 'z'), ..])?.Value;

    private static string Unknown(string stray, Command command)
    {
        bool isOption = stray.StartsWith('-');
        string[] known = isOption
            ? [.. command.Options.Where(option => !option.Hidden).Select(option => option.Name)]
            : [.. command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name)];
        string kind = isOption ? "option" : known.Length > 0 ? "command" : "argument";
        return $"unknown {kind} '{stray}'{Nearest.Hint(stray, known)}";
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
