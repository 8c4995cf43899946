namespace OtoMask.App.Serve.Watching;

/// <summary>What one page has yet to hear of the curves it follows.</summary>
/// <param name="book">The runs.</param>
/// <param name="followed">Ids of the runs.</param>
internal sealed class CurveMail(RunBook book, IReadOnlyList<string> followed)
{
    private readonly Dictionary<string, Heard> heard = [];
    private readonly Queue<string> turn = [];

    /// <summary>News of one run.</summary>
    /// <param name="Id">The run.</param>
    /// <param name="Curves">By the curve's name: how many of the points already sent stay, and those that follow them.</param>
    /// <param name="Notes">What its console would have warned of; null where that is as before.</param>
    internal sealed record News(string Id, IReadOnlyDictionary<string, Piece> Curves, IReadOnlyList<string>? Notes);

    /// <summary>A piece of a curve.</summary>
    /// <param name="Keep">Points that stay.</param>
    /// <param name="Points">Those after them: x and y; y is null in a gap.</param>
    internal sealed record Piece(int Keep, IReadOnlyList<double?[]> Points);

    /// <summary>The next piece of news of this round; null where there is none, which ends the round.</summary>
    public News? Next()
    {
        if (turn.Count == 0)
        {
            foreach (string id in followed)
                turn.Enqueue(id);
            turn.Enqueue(""); // the end of the round
        }
        while (turn.Dequeue() is { Length: > 0 } id)
        {
            News? news = null;
            book.With(id, watched => news = watched is WatchedRun run ? Of(run) : null);
            if (news is not null)
                return news;
        }
        return null;
    }

    /// <summary>Lets go of curves that nobody follows any more.</summary>
    public void End()
    {
        foreach ((string id, Heard one) in heard)
            book.With(id, _ => one.Run.Leave());
    }

    private News? Of(WatchedRun run)
    {
        // A folder that went and came again is another run.
        if (!heard.TryGetValue(run.Id, out Heard? one) || one.Run != run)
            heard[run.Id] = one = new Heard(run, run.Join());
        try
        {
            while (one.Curves.Follow())
            {
            }
        }
        catch (UserErrorException)
        {
            return null; // its line in the list says why
        }
        if (one.Beginning != one.Curves.Beginning)
            (one.Beginning, one.Notes) = (one.Curves.Beginning, null);
        Dictionary<string, Piece> pieces = [];
        foreach ((string name, GrowingCurve curve) in one.Curves.ByName)
        {
            (int beginning, int generation, int count) = one.Sent.GetValueOrDefault(name);
            int keep = (beginning, generation) == (one.Beginning, curve.Generation) ? count : 0;
            if (one.Sent.ContainsKey(name) && keep == curve.Points.Count)
                continue;
            pieces[name] = new Piece(keep, [.. curve.Points.Skip(keep).Select(point => new[] { Math.Round(point.X, 2), Reports.Charts.Finite(point.Y) })]);
            one.Sent[name] = (one.Beginning, curve.Generation, curve.Points.Count);
        }
        IReadOnlyList<string> notes = one.Curves.Notes;
        bool hasNewNotes = one.Notes is null || !notes.SequenceEqual(one.Notes);
        one.Notes = notes;
        return pieces.Count == 0 && !hasNewNotes ? null : new News(run.Id, pieces, hasNewNotes ? notes : null);
    }

    /// <summary>What has been told of a run.</summary>
    private sealed class Heard(WatchedRun run, RunCurves curves)
    {
        public WatchedRun Run => run;

        public RunCurves Curves => curves;

        public int Beginning { get; set; } = -1;

        public IReadOnlyList<string>? Notes { get; set; }

        public Dictionary<string, (int Beginning, int Generation, int Count)> Sent { get; } = [];
    }
}
