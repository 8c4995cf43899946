using OtoMask.App.Reports;
using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Watching;
using OtoMask.Audio;
using OtoMask.Masking;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Serve;

/// <summary>The part of a sound that a page shows, and what masks hide of it.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class ViewedSoundTests : IDisposable
{
    private const double Ratio = 0.7, Seconds = 6.08;
    private const ulong Seed = 11;
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<double> Hints => [0, 0.5, 1];

    [Theory]
    [MemberData(nameof(Hints))]
    public void Masks_are_those_of_the_gallery(double hint)
    {
        HeldSound held = Held(8);
        var viewed = ViewedSound.Of(held, 0, Seconds, (16, 16), run: null);
        var painter = new GalleryPainter { Seed = Seed };
        LogMel logMel = ClipFrames.WithinSeconds(new LogMelExtractor(LogMelSettings.Default).Compute(held.Sound.Samples.Span[..(int)((Seconds + 0.025) * AppFolder.Rate)]), Seconds);
        GalleryClip gallery = painter.Paint("clip", logMel, index: 0);
        Assert.Equal(gallery.Picture.LogMel, viewed.LogMel.Values);
        foreach (MaskingInfo masking in KnownMaskings.All)
            Assert.Equal(gallery.Masks[new MaskKey(masking.Name, Ratio, masking.Heeded(hint))].Masked, viewed.Draw(masking, Ratio, hint, Seed).Masked);
    }

    [Fact]
    public void A_run_masks_each_of_its_inputs_by_itself_and_predicts_what_they_hide()
    {
        RunBook book = Trained("msm-mae");
        using var run = TrainedRun.Load(book, "msm-mae");
        HeldSound held = Held(3);
        var viewed = ViewedSound.Of(held, 0, Seconds, (8, 8), run);
        Assert.Equal((5, 18, 6), (viewed.Grid.Rows, viewed.Grid.Columns, viewed.PieceColumns));   // 3 s in inputs of 0.96 s: three, and a column
        foreach (string name in (string[])["random", "dwm", "sgim", "sgim-spectral", "inverse-block-from-start"])
        {
            PatchMask mask = viewed.Draw(KnownMaskings.Find(name), Ratio, 0, Seed);
            for (int piece = 0; piece < 3; piece++)
                Assert.Equal(21, mask.Masked.Count(id => id % 18 / 6 == piece));   // 30 less (int)(30 * 0.3)
            LogMel predicted = viewed.Reconstruct(mask, run);
            bool[] isHeard = viewed.Heard(mask);
            Assert.Equal(256 * mask.Visible.Length, isHeard.Count(heard => heard));
            Assert.All(predicted.Values.Index().Where(value => isHeard[value.Index]), value => Assert.Equal(viewed.LogMel.Values[value.Index], value.Item));
            Assert.All(predicted.Values, value => Assert.True(float.IsFinite(value)));
            Assert.Contains(predicted.Values.Index(), value => !isHeard[value.Index] && Math.Abs(value.Item - viewed.LogMel.Values[value.Index]) > 0.1);
        }
        // What informs a strategy is the encoder: another one hides other patches.
        var bare = ViewedSound.Of(held, 0, 0.96, (16, 16), run: null);
        int[] informed = viewed.Draw(KnownMaskings.Find("sgim"), Ratio, 0, Seed).Masked;
        Assert.NotEqual(bare.Draw(KnownMaskings.Find("sgim"), Ratio, 0, Seed).Masked, [.. informed.Where(id => id % 18 < 6).Select(id => id / 18 * 6 + id % 18)]);
    }

    [Fact]
    public void The_rest_of_a_sound_that_is_too_short_for_a_mask_is_seen_whole()
    {
        RunBook book = Trained("m2d");
        using var run = TrainedRun.Load(book, "m2d");
        Assert.Null(run.Autoencoder);
        var viewed = ViewedSound.Of(Held(1.2), 0, Seconds, (16, 16), run);
        Assert.Equal(7, viewed.Grid.Columns);
        PatchMask mask = viewed.Draw(KnownMaskings.Find("time-span"), Ratio, 0, Seed);
        Assert.DoesNotContain(mask.Masked, id => id % 7 == 6);
        Assert.Contains("does not predict", Assert.Throws<UserErrorException>(() => viewed.Reconstruct(mask, run)).Message);
    }

    [Theory]
    [InlineData(3, 16, 16, "nothing of it lies at 3 s")]
    [InlineData(0, 7, 16, "choose a patch height that divides 80")]
    [InlineData(0, 80, 200, "")]
    [InlineData(0, 1, 1, "choose a larger patch")]
    public void What_cannot_be_shown_is_said(double from, int height, int width, string says)
    {
        HeldSound held = Held(1);
        if (says.Length == 0)
            Assert.Equal(1, ViewedSound.Of(held, from, Seconds, (height, width), run: null).Grid.Count);   // filled up with silence
        else
            Assert.Contains(says, Assert.Throws<UserErrorException>(() => ViewedSound.Of(held, from, Seconds, (height, width), run: null)).Message);
    }

    private static HeldSound Held(double seconds) => new("1", "sound", new Waveform(AppFolder.Sound(3, seconds), AppFolder.Rate));

    private RunBook Trained(string framework)
    {
        Assert.Equal(0, AppProcess.Run(["pretrain", "--framework", framework, "--data", folder.Audio(), "--out", folder.Inside("runs/" + framework), .. AppFolder.TinyRun]).ExitCode);
        var book = new RunBook(folder.Inside("runs"));
        book.Look();
        return book;
    }
}
