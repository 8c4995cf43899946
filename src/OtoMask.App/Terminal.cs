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
    public static T WithProgress<T>(string what, Func<Action<int, int>, T> work)
    {
        if (!IsLive)
        {
            int told = -1;
            return work((done, all) =>
            {
                int tenth = all == 0 ? PlainLines : (int)((long)done * PlainLines / all);
                if (tenth > told)
                    Console.WriteLine($"{what}: {done} of {all}");
                told = Math.Max(told, tenth);
            });
        }
        return AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(what));
                return work((done, all) => (task.MaxValue, task.Value) = (Math.Max(1, all), all == 0 ? 1 : done));
            });
    }
}
