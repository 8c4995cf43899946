using System.Globalization;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.FineTuning;

/// <summary>A recording and how probable each class is.</summary>
/// <param name="Path">The recording.</param>
/// <param name="Probabilities">[C], in the order of <see cref="Predictor.Classes"/>; they sum to 1 unless a clip may be of several classes.</param>
public sealed record Prediction(string Path, IReadOnlyList<double> Probabilities);

/// <summary>One label of a recording.</summary>
/// <param name="Path">The recording.</param>
/// <param name="Rank">1 = the most probable.</param>
/// <param name="Label">The label.</param>
/// <param name="Probability">Its probability, 0 .. 1.</param>
public sealed record RankedLabel(string Path, int Rank, string Label, double Probability);

/// <summary>A fine-tuned model, ready to name the classes of recordings.</summary>
/// <remarks>A recording longer than the unit length is cut in units, and their probabilities are averaged, each weighted by how much of the
/// sound it holds. Memory does not depend on how long a recording is.</remarks>
public sealed class Predictor : IDisposable
{
    private const int FilesAtOnce = 16, SoundsAtOnce = 64;
    private const int SecondsAtOnce = 60;
    private readonly FineTunedCheckpoint checkpoint;
    private readonly Classifier model;
    private readonly ClassifierInput input;
    private readonly ClipScorer scorer;
    private readonly LogMelExtractor extractor;

    private Predictor(FineTunedCheckpoint checkpoint, Device device)
    {
        this.checkpoint = checkpoint;
        input = checkpoint.Input;
        model = checkpoint.LoadModel(device);
        scorer = new ClipScorer(model, input);
        extractor = new LogMelExtractor(input.LogMel);
    }

    /// <summary>The labels.</summary>
    public IReadOnlyList<string> Classes => checkpoint.State.Classes;

    /// <summary>Opens the best epoch of a fine-tuning's run folder, or one of its checkpoints.</summary>
    /// <exception cref="UserErrorException">There is none, or it does not verify.</exception>
    public static Predictor Open(string path, Device device) => new(FineTunedCheckpoint.Read(path), device);

    /// <summary>The recordings that paths name: files as they are, of folders all audio at any depth.</summary>
    /// <exception cref="UserErrorException">A folder cannot be read or holds no audio.</exception>
    public static IReadOnlyList<string> Recordings(IEnumerable<string> paths) =>
    [
        .. paths.SelectMany(path => Directory.Exists(path)
            ? ClipScanner.ScanFolder(path).Where(clip => !ClipScanner.IsLogMel(clip.Path)).Select(clip => Path.Combine(path, clip.Name))
            : [path]),
    ];

    /// <summary>Predicts recordings in their order; those that cannot be read are reported and left out.</summary>
    /// <param name="paths">The recordings.</param>
    /// <param name="unreadable">Receives the ones that cannot be read.</param>
    /// <param name="cancellation">Ends it, also within a long recording.</param>
    public IEnumerable<Prediction> Predict(IEnumerable<string> paths, BadFiles unreadable, CancellationToken cancellation = default)
    {
        foreach (string[] files in paths.Chunk(FilesAtOnce))
        {
            RecordedFile[] recordings = [.. files.Select(path => new RecordedFile(path, Classes.Count))];
            HearAll(recordings, unreadable, cancellation);
            foreach (RecordedFile recording in recordings.Where(recording => recording.Samples > 0))
                yield return new Prediction(recording.Path, recording.Mean());
        }
    }

    /// <summary>Predicts one sound in memory.</summary>
    /// <param name="samples">One channel, in about -1..1; at least one sample.</param>
    /// <param name="sampleRate">Samples a second, in Hz, 100 to 1,536,000.</param>
    /// <param name="cancellation">Ends it, between two minutes of a long sound.</param>
    /// <returns>[C], how probable each of <see cref="Classes"/> is, as of a file with these samples.</returns>
    /// <exception cref="ArgumentException">There is no sample, or some are NaN, infinite or absurd (above 1e12).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The sample rate is impossible.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<double> Predict(ReadOnlySpan<float> samples, int sampleRate, CancellationToken cancellation = default)
    {
        Waveform.Require(samples, sampleRate, input.LogMel.SampleRate);
        return PredictSounds([new Waveform(samples.ToArray(), sampleRate)], cancellation)[0];
    }

    /// <summary>Predicts many sounds in memory: log-mels on all cores, units of all of them through the model together.</summary>
    /// <param name="sounds">The sounds, each of any length and rate.</param>
    /// <param name="cancellation">Ends it, also within a long sound.</param>
    /// <returns>For each sound, in their order, [C]: how probable each of <see cref="Classes"/> is, as of a file with these samples.</returns>
    /// <exception cref="ArgumentException">A sound has no sample, or some that are NaN, infinite or absurd; it is named by its number, from 0, before any is heard.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A sample rate is impossible.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<IReadOnlyList<double>> Predict(IReadOnlyList<Waveform> sounds, CancellationToken cancellation = default)
    {
        Waveform.RequireAll(sounds, input.LogMel.SampleRate);
        return PredictSounds(sounds, cancellation);
    }

    /// <summary>The most probable labels of a recording, the most probable first.</summary>
    public IReadOnlyList<RankedLabel> Rank(Prediction prediction, int top) =>
    [
        .. prediction.Probabilities.Index().OrderByDescending(pair => pair.Item).Take(top)
            .Select((pair, rank) => new RankedLabel(prediction.Path, rank + 1, Classes[pair.Index], pair.Item)),
    ];

    /// <summary>Writes labels as CSV with the columns <c>file_name,rank,label,probability</c>, whole or not at all.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void WriteCsv(string path, IEnumerable<RankedLabel> labels) => TableFile.Write(
        path, ["file_name", "rank", "label", "probability"],
        labels.Select(row => (string[])[row.Path, $"{row.Rank}", row.Label, row.Probability.ToString("0.000000", CultureInfo.InvariantCulture)]));

    /// <inheritdoc/>
    public void Dispose() => model.Dispose();

    private IReadOnlyList<IReadOnlyList<double>> PredictSounds(IReadOnlyList<Waveform> sounds, CancellationToken cancellation)
    {
        var predicted = new List<IReadOnlyList<double>>(sounds.Count);
        var unreadable = new BadFiles(); // of files alone: these sounds were looked at before
        foreach (Waveform[] some in sounds.Chunk(SoundsAtOnce))
        {
            Recording[] recordings = [.. some.Select(sound => new SoundInMemory(sound, Classes.Count))];
            HearAll(recordings, unreadable, cancellation);
            predicted.AddRange(recordings.Select(recording => recording.Mean()));
        }
        return predicted;
    }

    /// <summary>Hears recordings to their ends, and closes them.</summary>
    private void HearAll(Recording[] recordings, BadFiles unreadable, CancellationToken cancellation)
    {
        try
        {
            for (Recording[] open = recordings; open.Length > 0; open = [.. open.Where(recording => !recording.IsOver)])
                Hear(open, unreadable, cancellation);
        }
        finally
        {
            foreach (Recording recording in recordings)
                recording.Dispose();
        }
    }

    /// <summary>Hears the next minute of recordings.</summary>
    private void Hear(Recording[] recordings, BadFiles unreadable, CancellationToken cancellation)
    {
        var next = new Unit[recordings.Length][];
        Parallel.For(
            0, recordings.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation },
            i => next[i] = Next(recordings[i], unreadable, cancellation));
        float[] logits = scorer.Logits([.. next.SelectMany(units => units).Select(unit => unit.LogMel)]);
        int row = 0;
        foreach ((Recording recording, Unit[] units) in recordings.Zip(next))
        {
            foreach (Unit unit in units)
            {
                ReadOnlySpan<float> own = logits.AsSpan(row++ * Classes.Count, Classes.Count);
                recording.Add(checkpoint.State.MultiLabel ? Sigmoid(own) : Softmax(own), unit.Samples);
            }
        }
    }

    /// <summary>The next units of a recording, the last of them maybe shorter; none if it cannot be read.</summary>
    private Unit[] Next(Recording recording, BadFiles unreadable, CancellationToken cancellation)
    {
        try
        {
            int units = Math.Max(1, SecondsAtOnce * input.LogMel.SampleRate / input.UnitSamples);
            float[] samples = recording.Take(input.LogMel.SampleRate, units * input.UnitSamples, cancellation);
            return [.. samples.Chunk(input.UnitSamples).Select(piece => new Unit(extractor.Compute(Padded(piece)), piece.Length))];
        }
        catch (UnreadableAudioException problem)
        {
            recording.GiveUp();
            unreadable.Add(problem.Path, problem.Reason);
            return [];
        }
    }

    private float[] Padded(float[] piece)
    {
        Array.Resize(ref piece, input.UnitSamples);
        return piece;
    }

    private static double[] Sigmoid(ReadOnlySpan<float> logits)
    {
        var probabilities = new double[logits.Length];
        for (int c = 0; c < probabilities.Length; c++)
            probabilities[c] = 1 / (1 + Math.Exp(-logits[c]));
        return probabilities;
    }

    private static double[] Softmax(ReadOnlySpan<float> logits)
    {
        var probabilities = new double[logits.Length];
        double top = logits[0], sum = 0;
        foreach (float logit in logits)
            top = Math.Max(top, logit);
        for (int c = 0; c < probabilities.Length; c++)
            sum += probabilities[c] = Math.Exp(logits[c] - top);
        for (int c = 0; c < probabilities.Length; c++)
            probabilities[c] /= sum;
        return probabilities;
    }

    /// <summary>A piece of a recording.</summary>
    /// <param name="LogMel">Padded to unit length.</param>
    /// <param name="Samples">How much of the recording it holds.</param>
    private readonly record struct Unit(LogMel LogMel, int Samples);

    /// <summary>A recording that is being heard.</summary>
    private abstract class Recording(int classes) : IDisposable
    {
        private readonly double[] sums = new double[classes];

        public long Samples { get; private set; }

        public bool IsOver { get; private set; }

        /// <summary>The next samples; fewer than asked for at the end.</summary>
        public float[] Take(int sampleRate, int count, CancellationToken cancellation)
        {
            float[] samples = Next(sampleRate, count, cancellation);
            IsOver = samples.Length < count;
            return samples;
        }

        /// <summary>Adds what is said of a unit, weighted by the samples that it holds.</summary>
        public void Add(double[] probabilities, int samples)
        {
            for (int c = 0; c < sums.Length; c++)
                sums[c] += probabilities[c] * samples;
            Samples += samples;
        }

        public double[] Mean() => [.. sums.Select(sum => sum / Samples)];

        /// <summary>Damaged: nothing is said of it, of its beginning neither.</summary>
        public void GiveUp() => (Samples, IsOver) = (0, true);

        public virtual void Dispose()
        {
        }

        protected abstract float[] Next(int sampleRate, int count, CancellationToken cancellation);
    }

    private sealed class RecordedFile(string path, int classes) : Recording(classes)
    {
        private AudioReader? reader;

        public string Path => path;

        public override void Dispose() => reader?.Dispose();

        protected override float[] Next(int sampleRate, int count, CancellationToken cancellation)
        {
            reader ??= AudioReader.Open(path, sampleRate, cancellation: cancellation);
            float[] samples = reader.Take(count);
            return samples.Length > 0 || Samples > 0 ? samples : throw new UnreadableAudioException(path, "it holds no samples");
        }
    }

    private sealed class SoundInMemory(Waveform sound, int classes) : Recording(classes)
    {
        private ReadOnlyMemory<float>? resampled;
        private int taken;

        protected override float[] Next(int sampleRate, int count, CancellationToken cancellation)
        {
            ReadOnlyMemory<float> all = resampled ??= sound.At(sampleRate);
            ReadOnlyMemory<float> next = all.Slice(taken, Math.Min(count, all.Length - taken));
            taken += next.Length;
            return next.ToArray();
        }
    }
}
