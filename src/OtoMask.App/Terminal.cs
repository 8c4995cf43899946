using System.Globalization;
using Spectre.Console;

namespace OtoMask.App;

/// <summary>The one way to the screen: what the place where output goes can show, and texts of strangers (names of files, labels, what a model says
/// of itself) shown as text, whatever is in them.</summary>
internal static class Terminal
{
    private const int PlainWidth = 160;
    private const int PlainLines = 10;

    /// <summary>Whether lines can be redrawn: a terminal, and one that knows how.</summary>
    public static bool IsLive => !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");

    /// <summary>Without a terminal no escape sequence is ever written, and with NO_COLOR no colour (no-color.org).</summary>
    public static void Configure()
    {
        Capabilities can = AnsiConsole.Profile.Capabilities;
        if (!IsLive)
        {
            (can.Ansi, can.Interactive, can.Links) = (false, false, false);
            AnsiConsole.Profile.Width = PlainWidth;
        }
        if (!IsLive || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 })
            can.ColorSystem = ColorSystem.NoColors;
    }

    /// <summary>Where a file is to go into the program's own output (<c>--out /dev/stdout</c>), all that is told goes to the error output, so that
    /// nothing is mixed into it.</summary>
    /// <param name="given">What the options of the command line say.</param>
    public static void MakeWayFor(IEnumerable<string> given)
    {
        if (!given.Any(AtomicFile.IsOwnOutput))
            return;
        Console.SetOut(Console.Error);
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        Configure();
    }

    /// <summary>Prints a line, whatever it quotes.</summary>
    public static void Tell(string line) => Console.Out.Tell(line);

    /// <summary>Prints a line to the error output.</summary>
    public static void TellError(string line) => Console.Error.Tell(line);

    /// <summary>Writes a line, whatever it quotes.</summary>
    public static void Tell(this TextWriter place, string line) => place.WriteLine(OneLine.Of(line));

    /// <summary>Writes lines that were made as one text; what their parts quote has been made harmless before.</summary>
    public static void TellLines(this TextWriter place, string text)
    {
        foreach (string line in text.TrimEnd('\n').Split('\n'))
            place.Tell(line);
    }

    /// <summary>Prints a line with marks of colour in its literal parts; the holes are text.</summary>
    public static void TellMarked(FormattableString line) =>
        AnsiConsole.MarkupLine(string.Format(CultureInfo.InvariantCulture, line.Format, [.. line.GetArguments().Select(hole => AsText(Convert.ToString(hole, CultureInfo.InvariantCulture)!))]));

    /// <summary>A text where Spectre.Console takes markup.</summary>
    public static string AsText(string text) => Markup.Escape(OneLine.Of(text));

    /// <summary>Prints a table.</summary>
    public static void Show(Table table) => AnsiConsole.Write(table);

    /// <summary>Adds columns with these headings.</summary>
    public static Table WithColumns(this Table table, params IEnumerable<string> headings) => table.AddColumns([.. headings.Select(AsText)]);

    /// <summary>Adds a row of texts.</summary>
    public static Table WithRow(this Table table, params IEnumerable<string> cells) => table.AddRow([.. cells.Select(AsText)]);

    /// <summary>Shows how far <paramref name="work"/> is: a bar, or a line every tenth of the way where there is no terminal.</summary>
    /// <param name="what">What is being done.</param>
    /// <param name="work">Tells now and then.</param>
    public static T WithProgress<T>(string what, Func<IProgress<WorkProgress>, T> work) =>
        WithProgress(tell => work(new Relay<WorkProgress>(told => tell.Report(told with { What = what }))), staysWhenDone: true);

    /// <summary>The same for several things one after the other or at once; what is done leaves the screen.</summary>
    /// <param name="work">Tells now and then, from any thread.</param>
    public static T WithProgress<T>(Func<IProgress<WorkProgress>, T> work) => WithProgress(work, staysWhenDone: false);

    private static T WithProgress<T>(Func<IProgress<WorkProgress>, T> work, bool staysWhenDone)
    {
        var turn = new Lock();
        if (!IsLive)
        {
            Dictionary<string, int> told = [];
            return work(new Relay<WorkProgress>(now =>
            {
                (string what, int done, int all) = now;
                int tenth = all == 0 ? PlainLines : (int)((long)done * PlainLines / all);
                lock (turn)
                {
                    if (tenth <= told.GetValueOrDefault(what, -1))
                        return;
                    told[what] = tenth;
                    Tell($"{what}: {done} of {all}");
                }
            }));
        }
        Dictionary<string, ProgressTask> bars = [];
        return AnsiConsole.Progress()
            .HideCompleted(!staysWhenDone)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => work(new Relay<WorkProgress>(now =>
            {
                (string what, int done, int all) = now;
                lock (turn)
                {
                    if (!bars.TryGetValue(what, out ProgressTask? bar))
                        bars[what] = bar = context.AddTask(AsText(what));
                    (bar.MaxValue, bar.Value) = (Math.Max(1, all), all == 0 ? 1 : Math.Max(bar.Value, done));
                }
            })));
    }
}
