using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.App.Reports;

/// <summary>A task of the demo.</summary>
/// <param name="Name">Short name, such as <c>drums</c>.</param>
/// <param name="What">What is told apart, in a few words.</param>
/// <param name="Classes">Number of classes; chance is 100 / classes per cent.</param>
/// <param name="TrainClips">Labelled clips the probe learns from (with validation).</param>
/// <param name="TestClips">Clips it is scored on.</param>
internal sealed record DemoTask(string Name, string What, int Classes, int TrainClips, int TestClips);

/// <summary>A row of the score table.</summary>
/// <param name="Encoder">Name, such as <c>dwm</c> or <c>untrained</c>.</param>
/// <param name="What">A few words on it.</param>
/// <param name="Scores">Test accuracy in %, with its 95 % interval, one a task in the order of the tasks; null where not measured.</param>
internal sealed record ScoreRow(string Encoder, string What, IReadOnlyList<Estimate?> Scores);

/// <summary>How much better one encoder is than another, on the same clips and probe seeds.</summary>
/// <param name="Name">Such as <c>dwm - untrained</c>.</param>
/// <param name="Differences">Points of accuracy with the 95 % interval, one a task; null where not measured.</param>
internal sealed record DifferenceRow(string Name, IReadOnlyList<Estimate?> Differences);

/// <summary>An MSM-MAE reconstruction of a masked clip.</summary>
/// <param name="Name">What the clip is called.</param>
/// <param name="Encoder">The pre-trained model that filled the gaps.</param>
/// <param name="Bands">F.</param>
/// <param name="Frames">T.</param>
/// <param name="Grid">Patches along frequency and time.</param>
/// <param name="Original">[F, T], log-mel.</param>
/// <param name="Mask">What was hidden.</param>
/// <param name="Predicted">[F, T], in the same units: the prediction in masked patches, the original elsewhere.</param>
internal sealed record Reconstruction(
    string Name, string Encoder, int Bands, int Frames, PatchGrid Grid, float[] Original, PatchMask Mask, float[] Predicted);

/// <summary>What one part of the demo cost.</summary>
/// <param name="Step">Such as "pre-train with dwm".</param>
/// <param name="MaskMilliseconds">Masking a batch; null where nothing is masked.</param>
/// <param name="StepMilliseconds">A training step; null where there is none.</param>
/// <param name="ClipsPerSecond">Throughput; null where not measured.</param>
/// <param name="Seconds">Wall time of the whole part.</param>
internal sealed record CostRow(string Step, double? MaskMilliseconds, double? StepMilliseconds, double? ClipsPerSecond, double Seconds);

/// <summary>Everything <c>otomask demo</c> found.</summary>
internal sealed record DemoResult
{
    /// <summary>The answer in one sentence: did pre-training help, and did the masking strategy matter?</summary>
    public required string Answer { get; init; }

    /// <summary>Caveats under the answer, each a paragraph; also that this was the quick variant.</summary>
    public IReadOnlyList<string> Caveats { get; init; } = [];

    public required IReadOnlyList<DemoTask> Tasks { get; init; }

    public required IReadOnlyList<ScoreRow> Scores { get; init; }

    public required IReadOnlyList<DifferenceRow> Differences { get; init; }

    /// <summary>Loss over steps, one curve a strategy.</summary>
    public required IReadOnlyList<Curve> Loss { get; init; }

    /// <summary>RankMe over steps, one curve a strategy.</summary>
    public required IReadOnlyList<Curve> RankMe { get; init; }

    public required IReadOnlyList<GalleryClip> Clips { get; init; }

    public required IReadOnlyList<GalleryStrategy> Strategies { get; init; }

    public required IReadOnlyList<Reconstruction> Reconstructions { get; init; }

    public required IReadOnlyList<CostRow> Costs { get; init; }

    /// <summary>What to run next: a command and what it does.</summary>
    public required IReadOnlyList<(string Command, string What)> NextSteps { get; init; }

    /// <summary>Machine, versions, seed, data hash: name and value.</summary>
    public required IReadOnlyList<(string Name, string Value)> Environment { get; init; }
}

/// <summary>The page that <c>otomask demo</c> leaves behind.</summary>
internal static class DemoReport
{
    /// <summary>The whole page.</summary>
    /// <returns>One self-contained HTML page.</returns>
    public static string Build(DemoResult demo)
    {
        HtmlPage page = new("Does masked pre-training help, and does the mask matter?", Html.Of(
            $"""
            The same small encoder was pre-trained on unlabelled sound once per masking strategy, frozen, and judged by a linear probe
            beside an untrained copy of itself and plain log-mel statistics.
            """))
        { Kind = "demo report" };
        page.AddSection("answer", "The answer", Html.Of(
            $"""
            <p class="answer">{demo.Answer}</p>
            {Html.Each(demo.Caveats, caveat => Html.Of($"""<div class="callout"><p>{caveat}</p></div>"""))}
            """));
        page.AddSection("scores", "Scores", Scores(page, demo));
        page.AddSection("differences", "Paired differences", Differences(page, demo));
        page.AddSection("training", "Training", Training(page, demo));
        page.AddSection("masks", "Masks", MaskGallery.Section(page, demo.Clips, demo.Strategies));
        if (demo.Reconstructions.Count > 0)
            page.AddSection("reconstructions", "Reconstructions", Reconstructions(page, demo.Reconstructions));
        page.AddSection("cost", "What it cost", Costs(demo.Costs));
        page.AddSection("reading", "How to read this", Reading);
        page.AddSection("next", "What to run next", Html.Each(demo.NextSteps, next => Html.Of(
            $"<p>{next.What}</p><pre><code>{next.Command}</code></pre>")));
        page.AddSection("environment", "Environment", ReportParts.Pairs(demo.Environment));
        return page.Render();
    }

    private static Html Scores(HtmlPage page, DemoResult demo) => Html.Of(
        $"""
        <p>Test accuracy in %, mean over probe seeds, with the 95 % interval under it. The best of each task is bold.</p>
        <div class="table"><table>
        <thead><tr><th>encoder</th>{Html.Each(demo.Tasks, task => Html.Of($"""<th class="number">{task.Name}</th>"""))}</tr></thead>
        <tbody>{Html.Each(demo.Scores, row => Html.Of(
            $"""<tr><th>{row.Encoder}<span class="what">{row.What}</span></th>{Html.Each(row.Scores.Index(), cell => ScoreCell(cell.Item, Best(demo.Scores, cell.Index)))}</tr>"""))}
        <tr><th>chance</th>{Html.Each(demo.Tasks, task => Html.Of($"""<td class="number">{100.0 / task.Classes:0.0}</td>"""))}</tr></tbody>
        </table></div>
        <div class="charts">{Charts.Intervals(page, "Test accuracy", "Dot: mean. Whisker: 95 % interval.", "accuracy, %",
            TaskNames(demo), [.. demo.Scores.Select(row => new EstimateSeries(row.Encoder, row.Scores))])}</div>
        <h3>The tasks</h3>
        <div class="table"><table>
        <thead><tr><th>task</th><th>tells apart</th><th class="number">classes</th><th class="number">train clips</th><th class="number">test clips</th></tr></thead>
        <tbody>{Html.Each(demo.Tasks, task => Html.Of(
            $"""<tr><th>{task.Name}</th><td>{task.What}</td><td class="number">{task.Classes}</td><td class="number">{task.TrainClips:N0}</td><td class="number">{task.TestClips:N0}</td></tr>"""))}</tbody>
        </table></div>
        """);

    private static Html Differences(HtmlPage page, DemoResult demo) => Html.Of(
        $"""
        <p>Points of accuracy gained, on the same clips and the same probe seeds. An interval that does not touch zero is a clear difference:
        <span style="color:var(--good)">clearly better</span>, <span style="color:var(--bad)">clearly worse</span>.</p>
        <div class="charts">{Charts.Intervals(page, "Paired differences", "Right of zero: the first named is better.", "points of accuracy",
            TaskNames(demo), [.. demo.Differences.Select(row => new EstimateSeries(row.Name, row.Differences))], markZero: true)}</div>
        <div class="table"><table>
        <thead><tr><th>difference</th>{Html.Each(demo.Tasks, task => Html.Of($"""<th class="number">{task.Name}</th>"""))}</tr></thead>
        <tbody>{Html.Each(demo.Differences, row => Html.Of($"<tr><th>{row.Name}</th>{Html.Each(row.Differences, cell => ReportParts.DifferenceCell(cell?.ToInterval()))}</tr>"))}</tbody>
        </table></div>
        """);

    private static Html Training(HtmlPage page, DemoResult demo) => Html.Of(
        $"""
        <div class="charts">
        {Charts.Lines(page, "Loss", "Harder masks give a higher loss: compare shapes, not levels.", "step", demo.Loss, smooth: true)}
        {Charts.Lines(page, "RankMe", "Dimensions the embeddings really use. A fall towards 1 would be collapse.", "step", demo.RankMe)}
        </div>
        """);

    private static Html Reconstructions(HtmlPage page, IReadOnlyList<Reconstruction> reconstructions)
    {
        page.Use("gallery.css", "spectrogram.js", "gallery.js");
        return Html.Of(
            $"""
            <p>MSM-MAE saw the coloured patches of the middle picture alone and filled in the grey ones. It predicts what is likely, so fine
            detail comes out blurred; what counts is that harmonics, onsets and pauses stand where they belong. It predicts the pattern of each
            patch, not its level: every predicted patch is shown at the mean and deviation of the true one.</p>
            {Html.Each(reconstructions, item => Trio(page, item))}
            """);
    }

    private static Html Trio(HtmlPage page, Reconstruction item)
    {
        LevelRange range = LevelRange.Of(item.Original);
        (string id, Html block) = page.Data(new
        {
            Original = SpectrogramImage.Of(item.Original, item.Bands, item.Frames, item.Grid, range),
            Reconstruction = SpectrogramImage.Of(item.Predicted, item.Bands, item.Frames, item.Grid, range),
            Mask = MaskGallery.Bits(item.Mask, item.Grid),
        });
        return Html.Of(
            $"""
            <article class="trio" data-trio="{id}"><h3>{item.Name}</h3><div class="row">
            <figure><canvas role="img" aria-label="Original of {item.Name}"></canvas><figcaption>original</figcaption></figure>
            <figure><canvas role="img" aria-label="Masked {item.Name}"></canvas><figcaption>what the encoder saw: {item.Mask.Visible.Length} of {item.Grid.Count} patches</figcaption></figure>
            <figure><canvas role="img" aria-label="Reconstruction of {item.Name}"></canvas><figcaption>reconstruction ({item.Encoder})</figcaption></figure>
            </div>{block}</article>
            """);
    }

    private static Html Costs(IReadOnlyList<CostRow> costs) => Html.Of(
        $"""
        <div class="table"><table>
        <thead><tr><th>part</th><th class="number">masking, ms a batch</th><th class="number">step, ms</th><th class="number">clips/s</th><th class="number">minutes</th></tr></thead>
        <tbody>{Html.Each(costs, row => Html.Of(
            $"""
            <tr><th>{row.Step}</th><td class="number">{Number(row.MaskMilliseconds, "0.00")}</td><td class="number">{Number(row.StepMilliseconds, "0")}</td>
            <td class="number">{Number(row.ClipsPerSecond, "0")}</td><td class="number">{row.Seconds / 60:0.0}</td></tr>
            """))}
        <tr><th>in all</th><td></td><td></td><td></td><td class="number">{costs.Sum(row => row.Seconds) / 60:0.0}</td></tr></tbody>
        </table></div>
        """);

    private static Html Reading { get; } = Html.Of(
        $"""
        <ul>
        <li><b>Look at the untrained row first.</b> An untrained transformer already scatters sounds well enough for a linear probe; a score says
        something about pre-training only by its distance from that row.</li>
        <li><b>Trust differences, not levels.</b> Every encoder was probed on the same clips with the same seeds, so the paired differences are
        sharper than the scores' own intervals suggest.</li>
        <li><b>One pre-training seed.</b> The intervals cover the probe's seeds and the test clips, not the luck of a second pre-training run. A
        claim about masking strategies needs several, and far more data.</li>
        <li><b>Minutes, not days.</b> Published encoders see thousands of hours. What shows here is the direction.</li>
        </ul>
        """);

    private static Html ScoreCell(Estimate? score, double best) => score is { } s
        ? Html.Of($"""<td class="number{(s.Value >= best ? " best" : "")}">{s.Value:0.0}<span class="interval">{s.Low:0.0} – {s.High:0.0}</span></td>""")
        : Html.Of($"""<td class="number">–</td>""");

    private static double Best(IReadOnlyList<ScoreRow> rows, int task) => rows.Max(row => row.Scores[task]?.Value ?? double.NegativeInfinity);

    private static string[] TaskNames(DemoResult demo) => [.. demo.Tasks.Select(task => task.Name)];

    private static string Number(double? value, string format) => value?.ToString(format) ?? "–";
}
