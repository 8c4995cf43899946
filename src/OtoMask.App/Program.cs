using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.CompilerServices;
using OtoMask.Torch;

namespace OtoMask.App;

/// <summary>Runs one command line. Every way to end has its exit code here: see <see cref="Failure"/>.</summary>
internal static class Program
{
    private static int Main(string[] arguments) => Limits.Problem() is { } problem ? Refuse(problem) : Run(arguments);

    private static int Refuse(string problem)
    {
        try
        {
            Console.Error.WriteLine($"{CommandLine.Name}: {problem}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed, too: the exit code says it alone.
        }
        return Failure.UserError;
    }

    [MethodImpl(MethodImplOptions.NoInlining)] // what it needs is loaded only once the limits are known to allow it
    private static int Run(string[] arguments)
    {
        TorchRuntime.TuneProcess();
        Terminal.Configure();
        using var interruption = new Interruption();
        try
        {
            ParseResult line = CommandLine.Create().Parse(arguments);
            if (ParseFailure.Of(line) is { } problem)
                throw new UserErrorException(problem);
            Wording.Speak(line.CommandResult.Command);
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
