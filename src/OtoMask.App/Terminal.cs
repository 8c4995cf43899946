using Spectre.Console;

namespace OtoMask.App;

/// <summary>What the place where output goes can show.</summary>
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

    /// <summary>Shows how far <paramref name="work"/> is: a bar, or a line every tenth of the way where there is no terminal.</summary>
    /// <param name="what">What is being done.</param>
    /// <param name="work">Tells (done, all) now and then, from one thread.</param>
    public static T WithProgress<T>(string what, Func<Action<int, int>, T> work) =>
        WithProgress(tell => work((done, all) => tell(what, done, all)), staysWhenDone: true);

    /// <summary>The same for several things one after the other or at once; what is done leaves the screen.</summary>
    /// <param name="work">Tells (what, done, all) now and then, from any thread.</param>
    public static T WithProgress<T>(Func<Action<string, int, int>, T> work) => WithProgress(work, staysWhenDone: false);

    private static T WithProgress<T>(Func<Action<string, int, int>, T> work, bool staysWhenDone)
    {
        var turn = new Lock();
        if (!IsLive)
        {
            Dictionary<string, int> told = [];
            return work((what, done, all) =>
            {
                int tenth = all == 0 ? PlainLines : (int)((long)done * PlainLines / all);
                lock (turn)
                {
                    if (tenth <= told.GetValueOrDefault(what, -1))
                        return;
                    told[what] = tenth;
                    Console.WriteLine($"{what}: {done} of {all}");
                }
            });
        }
        Dictionary<string, ProgressTask> bars = [];
        return AnsiConsole.Progress()
            .HideCompleted(!staysWhenDone)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context => work((what, done, all) =>
            {
                lock (turn)
                {
                    if (!bars.TryGetValue(what, out ProgressTask? bar))
                        bars[what] = bar = context.AddTask(Markup.Escape(what));
                    (bar.MaxValue, bar.Value) = (Math.Max(1, all), all == 0 ? 1 : Math.Max(bar.Value, done));
                }
            }));
    }
}
