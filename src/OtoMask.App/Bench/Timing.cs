using System.Diagnostics;

namespace OtoMask.App.Bench;

/// <summary>How long something takes that is done again and again.</summary>
internal static class Timing
{
    private const int LeastTimes = 3;

    /// <summary>Median seconds of an action, repeated for about <paramref name="seconds"/> and three times at least, after once to warm up.</summary>
    /// <param name="seconds">How long to measure.</param>
    /// <param name="cancel">Ends the measurement.</param>
    /// <param name="action">What to time; told how often it was done before, from 0.</param>
    public static double MedianSeconds(double seconds, CancellationToken cancel, Action<int> action)
    {
        action(0);
        var times = new List<double>();
        var total = Stopwatch.StartNew();
        while (total.Elapsed.TotalSeconds < seconds || times.Count < LeastTimes)
        {
            cancel.ThrowIfCancellationRequested();
            long begin = Stopwatch.GetTimestamp();
            action(times.Count + 1);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }
        return Summary.Median(times);
    }
}
