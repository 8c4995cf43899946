using System.Globalization;
using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Pretraining;
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
