using OtoMask.Audio;

namespace OtoMask.App.Serve.Listening;

/// <summary>A sound that a page looks at.</summary>
/// <param name="Id">What the page calls it.</param>
/// <param name="Name">What people call it; may come from a stranger's file.</param>
/// <param name="Sound">Its beginning, at its own rate.</param>
internal sealed record HeldSound(string Id, string Name, Waveform Sound)
{
    /// <summary>Length in seconds.</summary>
    public double Seconds => (double)Sound.Samples.Length / Sound.SampleRate;
}

/// <summary>The sounds that pages have opened, the last few of them. Thread-safe.</summary>
internal sealed class SoundShelf
{
    /// <summary>The most bytes of a file that is sent.</summary>
    public const int MostBytes = 1 << 25;

    /// <summary>How much of a sound is kept, in seconds.</summary>
    public const double MostSeconds = 30;

    private const int MostSounds = 12, HighestRate = 48000, LongestName = 200;
    private readonly Lock turn = new();
    private readonly List<HeldSound> sounds = []; // the one asked for last stands last
    private long count;

    /// <summary>Takes in what somebody sent.</summary>
    /// <param name="name">What they call it.</param>
    /// <param name="bytes">A file in any format that sound comes in.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="UserErrorException">It is no sound, or too little of it.</exception>
    public HeldSound Add(string name, Stream bytes, CancellationToken cancellation) => Keep(name, () => StreamFile.Read(bytes, path => Read(path, cancellation), cancellation));

    /// <summary>Takes in a recording of a set.</summary>
    /// <inheritdoc cref="Add(string, Stream, CancellationToken)" path="/exception"/>
    public HeldSound Add(string name, string path, CancellationToken cancellation) => Keep(name, () => Read(path, cancellation));

    /// <summary>A sound that was taken in.</summary>
    /// <exception cref="UserErrorException">Others have taken its place.</exception>
    public HeldSound Find(string id)
    {
        lock (turn)
        {
            HeldSound sound = sounds.Find(held => held.Id == id) ?? throw new UserErrorException($"the server holds that sound no more (it keeps the last {MostSounds}); open it again");
            sounds.Remove(sound);
            sounds.Add(sound);
            return sound;
        }
    }

    /// <summary>The beginning of a recording, at its own rate or at 48 kHz if that is higher.</summary>
    public static Waveform Read(string path, CancellationToken cancellation)
    {
        int rate = Math.Min(AudioFile.Describe(path).SampleRate, HighestRate);
        return new Waveform(AudioFile.ReadMono(path, rate, MostSeconds, cancellation), rate);
    }

    private HeldSound Keep(string name, Func<Waveform> read)
    {
        name = OneLine.Of(name.Length > LongestName ? name[..LongestName] : name);
        try
        {
            Waveform sound = read();
            lock (turn)
            {
                var held = new HeldSound($"{++count}", name, sound);
                sounds.Add(held);
                if (sounds.Count > MostSounds)
                    sounds.RemoveAt(0);
                return held;
            }
        }
        catch (UnreadableAudioException problem)
        {
            throw new UserErrorException($"{name} is not shown: {problem.Reason}; give a sound file", problem);
        }
    }
}
