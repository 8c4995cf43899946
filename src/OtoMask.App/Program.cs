using System.CommandLine;
using System.CommandLine.Parsing;

namespace OtoMask.App;

/// <summary>Runs one command line. Every way to end has its exit code here: see <see cref="Failure"/>.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        Terminal.Configure();
        using var interruption = new Interruption();
        try
        {
            ParseResult line = CommandLine.Create().Parse(arguments);
            if (ParseFailure.Of(line) is { } problem)
                throw new UserErrorException(problem);
            Terminal.MakeWayFor(line.CommandResult.Children.OfType<OptionResult>().SelectMany(option => option.Tokens).Select(token => token.Value));
            // Signals are ours, exceptions too.
            var settings = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return line.InvokeAsync(settings, interruption.Token).GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            return Failure.Report(exception, interruption);
        }
    }
}
