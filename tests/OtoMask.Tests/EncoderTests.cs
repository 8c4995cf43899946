using System.Globalization;
using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Tests.App;
using OtoMask.Tests.Audio;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests;

/// <summary>The library's front door, as a C# developer uses it.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class EncoderTests : IDisposable
{
    private readonly SoundFiles files = new();
    private readonly string run;

    public EncoderTests() => run = UntrainedCheckpoint.Write(files.PathOf("run.safetensors"));

    public void Dispose() => files.Dispose();

    [Fact]
    public void FiveLinesEmbedAClip()
    {
        float[] samples = AppFolder.Sound(1, 2.5);

        using var encoder = Encoder.Load(run);
        float[,] frames = encoder.Encode(samples, 16000);
        float[] clip = encoder.EncodeClip(samples, 16000);

        Assert.Equal((16000, 5 * 16, 2, 0.16, 6.25), (encoder.SampleRate, encoder.Width, encoder.LayerCount, encoder.SecondsPerFrame, encoder.FrameRate));
        using EncoderSnapshot snapshot = SavedModel.Open(run).LoadEncoder(Device.Cpu);
        FrameEmbeddings expected = snapshot.Encode(new LogMelExtractor(LogMelSettings.Default).Compute(samples));
        Assert.Equal((16, 80), (frames.GetLength(0), frames.GetLength(1))); // 251 log-mel frames in patches of 16
        Assert.Equal(expected.Values, frames.Cast<float>());
        for (int i = 0; i < clip.Length; i++)
            Assert.Equal(Enumerable.Range(0, 16).Average(frame => frames[frame, i]), clip[i], 1e-6f);
    }

    [Theory, Trait("Category", "Fixtures")]
    [InlineData("0.5"), InlineData("0.96"), InlineData("3.3")]
    public void AModelOfTheFieldEmbedsAsTheReference(string seconds)
    {
        float[] samples = NpyFile.Read(Fixture.Path("frontend_wave1.npy")).Values[..(int)Math.Round(double.Parse(seconds, CultureInfo.InvariantCulture) * 16000)];
        using var encoder = Encoder.Load(Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture"), hints: new GeometryHints { Heads = 3 });
        NpyArray expected = NpyFile.Read(Fixture.Path($"runtime_encode_{seconds}s.npy"));
        float[,] frames = encoder.Encode(samples, 16000);
        Assert.Equal((expected.Shape[0], expected.Shape[1]), (frames.GetLength(0), frames.GetLength(1)));
        foreach ((float reference, float value) in expected.Values.Zip(frames.Cast<float>()))
            Assert.Equal(reference, value, 1e-3f);
    }

    [Fact]
    public void EveryLayerStandsSideBySide()
    {
        float[] samples = AppFolder.Sound(1, 1.3);
        using var encoder = Encoder.Load(run);
        float[,] all = encoder.Encode(samples, 16000, EncoderLayers.All), last = encoder.Encode(samples, 16000);
        Assert.Equal((last.GetLength(0), 2 * encoder.Width), (all.GetLength(0), all.GetLength(1)));
        for (int frame = 0; frame < last.GetLength(0); frame++)
        {
            for (int i = 0; i < encoder.Width; i++)
                Assert.Equal(last[frame, i], all[frame, encoder.Width + i], 1e-6f);
        }
        Assert.Equal(encoder.EncodeClip(samples, 16000), encoder.EncodeClip(samples, 16000, EncoderLayers.All)[encoder.Width..]);
    }

    [Theory]
    [InlineData(8000), InlineData(16000), InlineData(22050), InlineData(44100), InlineData(48000)]
    public void SamplesOfAnyRateGiveWhatTheirFileGives(int rate)
    {
        float[] samples = SoundFiles.Tone(440, 1.7, rate);
        string path = files.Write("a.wav", SoundFiles.WavFloat, samples, rate);
        using var encoder = Encoder.Load(run);
        Assert.Equal(encoder.Encode(path), encoder.Encode(samples, rate));
        Assert.Equal(encoder.EncodeClip(path, EncoderLayers.All), encoder.EncodeClip(samples, rate, EncoderLayers.All));
    }

    [Fact]
    public void ALongFileIsReadInPiecesWithoutASeam()
    {
        float[] samples = AppFolder.Sound(1, 130.37);
        string path = files.Write("long.wav", SoundFiles.WavFloat, samples, 16000);
        using var encoder = Encoder.Load(run);
        float[,] expected = encoder.Encode(samples, 16000), actual = encoder.Encode(path);
        Assert.Equal(expected.GetLength(0), actual.GetLength(0));
        foreach ((float one, float other) in expected.Cast<float>().Zip(actual.Cast<float>()))
            Assert.Equal(one, other, 1e-4f);
    }

    [Fact]
    public void ManyThreadsGetTheNumbersThatOneGets()
    {
        float[][] sounds = [.. Enumerable.Range(0, 6).Select(i => AppFolder.Sound(i, 0.4 + 0.7 * i))];
        using var encoder = Encoder.Load(run);
        float[][,] expected = [.. sounds.Select(sound => encoder.Encode(sound, 16000))];
        float[][,] actual = new float[48][,];
        Thread[] threads =
        [
            .. Enumerable.Range(0, 8).Select(thread => new Thread(() =>
            {
                for (int i = thread; i < actual.Length; i += 8)
                    actual[i] = encoder.Encode(sounds[i % 6], 16000);
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i % 6], actual[i]);
    }

    [Theory]
    [InlineData(EncoderLayers.Last), InlineData(EncoderLayers.All)]
    public void ManySoundsAtOnceGetTheBitsThatEachGetsAlone(EncoderLayers layers)
    {
        int[] rates = [16000, 8000, 44100];
        Waveform[] sounds = [.. Enumerable.Range(0, 40).Select(i => new Waveform(AppFolder.Sound(i, 0.05 + 0.31 * (i % 9)), rates[i % 3]))];
        using var encoder = Encoder.Load(run);
        IReadOnlyList<float[,]> frames = encoder.Encode(sounds, layers);
        IReadOnlyList<float[]> clips = encoder.EncodeClips(sounds, layers);
        Assert.Equal((40, 40), (frames.Count, clips.Count));
        for (int i = 0; i < sounds.Length; i++)
        {
            Assert.Equal(encoder.Encode(sounds[i].Samples.Span, sounds[i].SampleRate, layers), frames[i]);
            Assert.Equal(encoder.EncodeClip(sounds[i].Samples.Span, sounds[i].SampleRate, layers), clips[i]);
        }
    }

    [Fact]
    public void MoreSoundsThanAreEncodedAtOnceKeepTheirOrder()
    {
        float[][] kinds = [.. Enumerable.Range(0, 5).Select(i => AppFolder.Sound(i, 0.1 + i))]; // the last of several inputs
        using var encoder = Encoder.Load(run);
        float[][] expected = [.. kinds.Select(kind => encoder.EncodeClip(kind, 16000))];
        IReadOnlyList<float[]> actual = encoder.EncodeClips([.. Enumerable.Range(0, 403).Select(i => new Waveform(kinds[i % 5], 16000))]);
        Assert.All(actual.Index(), pair => Assert.Equal(expected[pair.Index % 5], pair.Item));
        Assert.Empty(encoder.EncodeClips([]));
    }

    [Fact]
    public void OneOfManyThatIsNoSoundIsNamed()
    {
        var good = new Waveform(AppFolder.Sound(1, 0.5), 16000);
        using var encoder = Encoder.Load(run);
        Assert.Contains("sound 2: there is no sample", Assert.Throws<ArgumentException>(() => encoder.Encode([good, good, default(Waveform) with { SampleRate = 16000 }])).Message);
        Assert.Contains("sound 1: the sound contains NaN", Assert.Throws<ArgumentException>(() => encoder.EncodeClips([good, good with { Samples = new float[] { 0, float.NaN } }])).Message);
        Assert.Contains("sound 0: a sample rate", Assert.Throws<ArgumentOutOfRangeException>(() => encoder.EncodeClips([good with { SampleRate = 99 }])).Message);
        Assert.Contains("do not make one", Assert.Throws<ArgumentException>(() => encoder.EncodeClips([good with { Samples = new float[1], SampleRate = 1_536_000 }])).Message);
        Assert.Throws<OperationCanceledException>(() => encoder.EncodeClips([good], cancellation: new CancellationToken(canceled: true)));
        encoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => encoder.Encode([good]));
    }

    [Theory]
    [InlineData("a.wav", SoundFiles.WavPcm16), InlineData("a.flac", SoundFiles.Flac16), InlineData("a.ogg", SoundFiles.OggVorbis), InlineData("a.opus", SoundFiles.OggOpus), InlineData("a.mp3", SoundFiles.Mp3)]
    public void AStreamGivesWhatItsFileGives(string name, int format)
    {
        string path = files.Write(name, format, SoundFiles.Tone(440, 3.7, 48000), 48000);
        using var encoder = Encoder.Load(run);
        Assert.Equal(encoder.Encode(path, EncoderLayers.All), encoder.Encode(File.OpenRead(path), EncoderLayers.All));
        using var bytes = new PipeLike([.. "before"u8, .. File.ReadAllBytes(path)]);
        bytes.ReadExactly(new byte[6]);
        Assert.Equal(encoder.EncodeClip(path), encoder.EncodeClip(bytes));
    }

    [Fact]
    public void AStreamOfWhatOnlyFfmpegReadsGivesWhatItsFileGives()
    {
        string path = files.Encode(files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 1.7, 44100), 44100), "a.m4a");
        using var encoder = Encoder.Load(run);
        Assert.Equal(encoder.EncodeClip(path), encoder.EncodeClip(new PipeLike(File.ReadAllBytes(path))));
    }

    [Fact]
    public void AStreamThatIsNoSoundIsRefused()
    {
        using var encoder = Encoder.Load(run);
        Assert.Contains("cannot read the stream: it has zero bytes", Assert.Throws<UserErrorException>(() => encoder.Encode(new MemoryStream())).Message);
        Assert.Contains("cannot read the stream: not readable as audio", Assert.Throws<UserErrorException>(() => encoder.EncodeClip(new MemoryStream("text"u8.ToArray()))).Message);
        Assert.Contains("nothing but zeros", Assert.Throws<UserErrorException>(() => encoder.EncodeClip(new MemoryStream(new byte[1000]))).Message);
        string path = files.Write("nan.wav", SoundFiles.WavFloat, [0, float.NaN], 16000);
        Assert.Contains("cannot read the stream: contains NaN", Assert.Throws<UserErrorException>(() => encoder.EncodeClip(new MemoryStream(File.ReadAllBytes(path)))).Message);
        Assert.Throws<OperationCanceledException>(() => encoder.EncodeClip(File.OpenRead(path), cancellation: new CancellationToken(canceled: true)));
        Assert.Throws<ArgumentNullException>(() => encoder.Encode((Stream)null!));
        encoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => encoder.Encode(new MemoryStream()));
    }

    [Fact]
    public void DisposingWaitsForTheCallsThatAreUnderWay()
    {
        float[] sound = AppFolder.Sound(1, 20);
        var encoder = Encoder.Load(run);
        float[] expected = encoder.EncodeClip(sound, 16000);
        using var begun = new CountdownEvent(4);
        Task<int>[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() => CallUntilDisposed(encoder, sound, expected, begun), TaskCreationOptions.LongRunning))];
        begun.Wait();
        encoder.Dispose();
        encoder.Dispose();
        Assert.All(callers, caller => Assert.True(caller.Result > 0));
        Assert.Throws<ObjectDisposedException>(() => encoder.EncodeClip(sound, 16000));
    }

    [Fact]
    public void WhatCannotBeEncodedIsRefused()
    {
        float[] sound = AppFolder.Sound(1, 0.5);
        var encoder = Encoder.Load(run);
        Assert.Equal("samples", Assert.Throws<ArgumentException>(() => encoder.Encode([], 16000)).ParamName);
        Assert.Throws<OperationCanceledException>(() => encoder.EncodeClip(sound, 16000, cancellation: new CancellationToken(canceled: true)));
        foreach (float wrong in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            float[] spoilt = [.. sound];
            spoilt[^1] = wrong;
            Assert.Contains("NaN or infinite", Assert.Throws<ArgumentException>(() => encoder.EncodeClip(spoilt, 44100)).Message);
        }
        foreach (int rate in (int[])[int.MinValue, 0, 99, 1_536_001, int.MaxValue])
            Assert.Equal("sampleRate", Assert.Throws<ArgumentOutOfRangeException>(() => encoder.Encode(sound, rate)).ParamName);
        Assert.Contains("do not make one", Assert.Throws<ArgumentException>(() => encoder.Encode([0.5f], 1_536_000)).Message);

        Assert.Contains("there is no such file", Assert.Throws<UserErrorException>(() => encoder.Encode(files.PathOf("absent.wav"))).Message);
        Assert.Contains("not readable as audio", Assert.Throws<UserErrorException>(() => encoder.EncodeClip(files.WriteBytes("text.wav", "text"u8.ToArray()))).Message);
        encoder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => encoder.Encode(sound, 16000));
    }

    [Fact]
    public void ASingleSampleIsAFrame()
    {
        using var encoder = Encoder.Load(run);
        Assert.Equal(1, encoder.Encode([0.5f], 16000).GetLength(0));
    }

    [Fact]
    public void WhatIsNoModelIsRefused()
    {
        Assert.Throws<UserErrorException>(() => Encoder.Load(files.PathOf("absent")));
        Assert.Throws<UserErrorException>(() => Encoder.Load(files.WriteBytes("text.safetensors", "text"u8.ToArray())));
        Assert.Contains("cuda:99", Assert.Throws<UserErrorException>(() => Encoder.Load(run, "cuda:99")).Message);
    }

    /// <summary>A stream that only goes forward, a few bytes at a time.</summary>
    private sealed class PipeLike(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1000));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1000)]);

        public override long Seek(long offset, SeekOrigin loc) => throw new NotSupportedException();
    }

    private static int CallUntilDisposed(Encoder encoder, float[] sound, float[] expected, CountdownEvent begun)
    {
        for (int calls = 0; ; calls++)
        {
            try
            {
                if (calls == 1)
                    begun.Signal();
                Assert.Equal(expected, encoder.EncodeClip(sound, 16000));
            }
            catch (ObjectDisposedException)
            {
                return calls;
            }
        }
    }
}
