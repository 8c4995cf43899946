using OtoMask.App.Reports;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;
using OtoMask.Runs;

namespace OtoMask.Tests.Reports;

/// <summary>Made-up contents for every report: a gliding tone with harmonics over noise, random and loudest-patches masks, noisy curves.</summary>
internal static class SyntheticReports
{
    public const string HostileName = "</script><img src=x onerror=alert(1)> \"Sägemehl\" & 'Co'.wav";

    private static readonly double[] MaskRatios = [.5, .6, .7, .75, .8, .9], HintRatios = [0, .25, .5, .75, .9, 1];

    public static readonly GalleryStrategy[] Strategies =
    [
        new("random", "uniformly random patches", "nothing"),
        new("loudest", "the patches with the highest mean", "the input"),
    ];

    public static GalleryClip Clip(string name, int frames, ulong seed)
    {
        const int bands = 80;
        PatchGrid grid = new(bands / 16, frames / 16);
        float[] logMel = LogMel(bands, frames, seed);
        Dictionary<MaskKey, PatchMask> masks = [];
        foreach (double ratio in MaskRatios)
        {
            masks[new("random", ratio, 0)] = Masked(Shuffled(grid, seed, 0), grid, ratio);
            for (int h = 0; h < HintRatios.Length; h++)
            {
                int[] loudest = [.. Enumerable.Range(0, grid.Count).OrderByDescending(id => Mean(logMel, frames, grid, id))];
                int random = (int)(HintRatios[h] * grid.Count * ratio);
                int[] order = [.. Shuffled(grid, seed, h + 1).Take(random).Concat(loudest).Distinct()];
                masks[new("loudest", ratio, HintRatios[h])] = Masked(order, grid, ratio);
            }
        }
        return new(new(name, frames / 100.0, bands, frames, logMel, BandHz(bands), grid), masks);
    }

    public static string Gallery() =>
        MaskGallery.Build([Clip("gliding tone.wav", 608, 1), Clip(HostileName, 96, 2)], Strategies, ["Synthetic clips."]);

    public static string Demo()
    {
        GalleryClip[] clips = [Clip("syllable.ogg", 208, 3), Clip("drum.flac", 208, 4), Clip("note.wav", 208, 5)];
        return DemoReport.Build(new()
        {
            Answer = "Yes on tones: pre-training gained 3.4 points over the untrained encoder (95 % interval 1.9 to 4.9); dwm and random cannot be told apart.",
            Caveats = ["This was the quick variant: too little training for a conclusion."],
            Tasks = [new("tones", "the four tones of Mandarin syllables", 4, 1886, 472), new("drums", "ten kinds of drum hits", 10, 640, 160), new("instruments", "16 families of instruments", 16, 1638, 410)],
            Scores =
            [
                new("logmel-stats", "mean and deviation of each band", [new Estimate(61.2, 59, 63.4), new Estimate(79.1, 77, 81), new Estimate(22, 20.1, 24)]),
                new("untrained", "the same encoder, as initialised", [new Estimate(86.8, 85.4, 88.1), new Estimate(85.6, 84, 87.1), new Estimate(27.5, 25.5, 29.6)]),
                new("random", "pre-trained, random masks", [new Estimate(90.1, 88.8, 91.4), new Estimate(86, 84.4, 87.6), new Estimate(31.6, 29.4, 33.7)]),
                new("dwm", "pre-trained, dispersion-weighted masks", [new Estimate(90.2, 89, 91.4), new Estimate(87.3, 85.8, 88.8), null]),
            ],
            Differences =
            [
                new("random − untrained", [new Estimate(3.3, 1.8, 4.8), new Estimate(.4, -1.4, 2.2), new Estimate(4.1, 1.7, 6.4)]),
                new("dwm − untrained", [new Estimate(3.4, 1.9, 4.9), new Estimate(1.7, -.2, 3.5), null]),
                new("dwm − random", [new Estimate(.1, -1.1, 1.3), new Estimate(-3.3, -4.8, -1.8), null]),
            ],
            Loss = [Noisy("random", .5, 1), Noisy("dwm", .56, 2)],
            RankMe = [new("random", [(0, 18.2), (200, 31), (400, 40.5), (600, 47)]), new("dwm", [(0, 18.2), (200, 34), (400, 45.5), (600, 51)])],
            Clips = clips,
            Strategies = Strategies,
            Reconstructions = [.. clips.Select(clip => new Reconstruction(clip.Picture.Name, "dwm", clip.Picture.Bands, clip.Picture.Frames, clip.Picture.Grid, clip.Picture.LogMel,
                clip.Masks[new("random", .75, 0)], [.. clip.Picture.LogMel.Select(value => value * .8f - 1.2f)]))],
            Costs = [new("assemble the tasks", null, null, null, 41), new("pre-train, random", .31, 118, 540, 142), new("pre-train, dwm", .84, 119, 537, 144), new("probe", null, null, null, 33)],
            NextSteps = [("otomask pretrain --data my-sounds/ --mask dwm --size tiny --minutes 30 --out runs/mine", "Pre-train on your own folder of sound:")],
            Environment = [("machine", "2 cores"), ("seed", "42"), ("OtoMask", "0.1.0")],
        });
    }

    public static string Run(double speed = 500) => RunReport.Build(new()
    {
        Folder = new RunFolder("runs/dwm-tiny"),
        What = "M2D, size tiny, dwm masks at ratio 0.7, input 80x608, seed 42.",
        Log = new(
            [.. Noisy("", .5, 7).Points.Select((point, i) => new StepRecord((long)point.X, (int)(point.X / 60), i == 300 ? double.NaN : point.Y,
                3e-4 * Math.Min(1, point.X / 60), Math.Max(0, 1 - (point.X * point.X / 360_000)), .999, point.Y * 3, Applied: i != 300, speed + (point.Y * 20), .02, MaskMilliseconds: null))],
            [.. Enumerable.Range(0, 5).SelectMany(i => new EvaluationRecord[]
            {
                new(150 * i, 5 * i / 2, "rankme", 20 + (8 * Math.Sqrt(i))), new(150 * i, 5 * i / 2, "cev_auc", .8 - (.03 * i)),
                new(150 * i, 5 * i / 2, "knn/drums", .4 + (.08 * i)), new(150 * i, 5 * i / 2, "knn/tones", .3 + (.05 * i)),
            })]),
        Config = "framework: m2d\nmask: dwm   # <b>not markup</b>\n",
        Clips = 12345,
        BadFiles = [HostileName + ": no audio in it"],
        Warnings = ["The loss was not finite at step 300."],
        Environment = [("seed", "42")],
    });

    private static Curve Noisy(string name, double floor, ulong seed)
    {
        RandomStream random = new(seed, RandomPurpose.Mask);
        List<(double, double)> points = [];
        for (int step = 0; step < 600; step++)
            points.Add((step, floor + (.6 * Math.Exp(-step / 110.0)) + (.03 * random.NextNormal())));
        return new(name, points);
    }

    private static float[] LogMel(int bands, int frames, ulong seed)
    {
        RandomStream random = new(seed, RandomPurpose.Crop);
        float[] values = new float[bands * frames];
        for (int band = 0; band < bands; band++)
        {
            for (int frame = 0; frame < frames; frame++)
            {
                double pitch = 9 + (5 * Math.Sin(frame / (24.0 + seed))), voiced = Math.Max(0, Math.Sin((frame / 31.0) + seed));
                double harmonic = Math.Pow(Math.Cos(Math.PI * band / pitch), 8) * voiced * 9 * Math.Exp(-band / 60.0);
                double click = frame % 97 < 14 ? 5 * Math.Exp(-(frame % 97) / 4.0) : 0;
                values[(band * frames) + frame] = (float)(-12 + harmonic + click + (.5 * random.NextNormal()));
            }
        }
        return values;
    }

    private static double[] BandHz(int bands)
    {
        double low = Mel(50), high = Mel(8000);
        return [.. Enumerable.Range(1, bands).Select(band => 700 * (Math.Exp((low + ((high - low) * band / (bands + 1))) / 1127) - 1))];

        static double Mel(double hertz) => 1127 * Math.Log(1 + (hertz / 700));
    }

    private static double Mean(float[] values, int frames, PatchGrid grid, int id)
    {
        (int row, int column) = Math.DivRem(id, grid.Columns);
        return Enumerable.Range(0, 256).Average(i => values[(((row * 16) + (i / 16)) * frames) + (column * 16) + (i % 16)]);
    }

    private static int[] Shuffled(PatchGrid grid, ulong seed, int epoch)
    {
        int[] ids = [.. Enumerable.Range(0, grid.Count)];
        new RandomStream(seed, RandomPurpose.Mask, epoch).Shuffle<int>(ids);
        return ids;
    }

    private static PatchMask Masked(int[] order, PatchGrid grid, double ratio)
    {
        int masked = grid.Count - grid.VisibleCount(ratio);
        return new([.. order.Skip(masked).Order()], [.. order.Take(masked).Order()]);
    }
}
