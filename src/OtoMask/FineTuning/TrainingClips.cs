using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Randomness;

namespace OtoMask.FineTuning;

/// <summary>The clips to learn from, as waveforms of unit length: longer ones cropped anew each epoch, shorter ones zero-padded right.</summary>
/// <remarks>Thread-safe. Decoded waveforms stay in memory as far as the budget goes; results do not depend on it.</remarks>
/// <param name="task">The clips and their labels.</param>
/// <param name="clips">Positions of those to learn from.</param>
/// <param name="input">What the model takes.</param>
/// <param name="seed">The run's seed.</param>
/// <param name="unreadable">Receives the clips that cannot be read.</param>
/// <param name="memoryBudget">Bytes of waveforms to keep.</param>
internal sealed class TrainingClips(LabelledTask task, int[] clips, ClassifierInput input, ulong seed, BadFiles unreadable, long memoryBudget = 1L << 30)
{
    private const double LongSeconds = 60; // of longer recordings only the crop is decoded
    private readonly double[] toldSeconds = [.. Enumerable.Repeat(double.NaN, clips.Length)]; // NaN before it was asked for, 0 where only decoding to the end tells

    private readonly float[]?[] decoded = new float[]?[clips.Length];
    private readonly EpochOrder order = new(clips.Length, minClips: 0, seed);
    private long memoryLeft = memoryBudget;

    public int Count => clips.Length;

    /// <summary>The clip at a place of an epoch; one that cannot be read gives its place to the next.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="place">Place in the epoch's order.</param>
    /// <exception cref="UserErrorException">No clip can be read.</exception>
    public (LabelledClip Clip, int Number, float[] Waveform) Read(int epoch, int place)
    {
        int[] numbers = order.Of(epoch);
        for (int attempt = 0; attempt < numbers.Length; attempt++)
        {
            int number = numbers[(place + attempt) % numbers.Length];
            LabelledClip clip = task.Clips[clips[number]];
            try
            {
                return (clip, number, Crop(clip.Path, number, new RandomStream(seed, RandomPurpose.Crop, epoch, number)));
            }
            catch (UnreadableAudioException problem)
            {
                unreadable.Add(problem.Path, problem.Reason);
            }
        }
        throw unreadable.WhenAllAreBad();
    }

    private float[] Crop(string path, int number, RandomStream random)
    {
        var unit = new float[input.UnitSamples];
        ReadOnlySpan<float> whole = decoded[number] ?? Decode(path, number, ref random);
        int start = whole.Length > unit.Length ? random.NextInt32(whole.Length - unit.Length + 1) : 0;
        whole.Slice(start, Math.Min(unit.Length, whole.Length - start)).CopyTo(unit);
        return unit;
    }

    private float[] Decode(string path, int number, ref RandomStream random)
    {
        int rate = input.LogMel.SampleRate;
        double unit = (input.UnitSamples + 1.0) / rate, tooLong = Math.Max(LongSeconds, 2 * unit);
        using AudioReader recording = AudioReader.Open(path, rate);
        if (double.IsNaN(toldSeconds[number]))
            toldSeconds[number] = recording.ToldSeconds > tooLong ? recording.CountedSeconds() ?? 0 : 0;
        if (toldSeconds[number] > tooLong)
        {
            recording.Restart(random.NextDouble() * (toldSeconds[number] - unit), unit);
            return recording.TakeSeconds(unit);
        }
        float[] samples = recording.TakeAll();
        if (Interlocked.Add(ref memoryLeft, -(long)samples.Length * sizeof(float)) >= 0)
            decoded[number] = samples;
        return samples;
    }
}
