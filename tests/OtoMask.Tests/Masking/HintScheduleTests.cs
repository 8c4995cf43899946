using FsCheck;
using FsCheck.Fluent;
using OtoMask.Masking;

namespace OtoMask.Tests.Masking;

public class HintScheduleTests
{
    [Fact]
    public void The_published_run_is_reproduced()
    {
        Assert.Equal(1, HintSchedule.Default.At(49, 300));
        Assert.Equal(1 - 1 / 36.0, HintSchedule.Default.At(50, 300), 12);
        Assert.Equal(1 - Math.Pow(299 / 300.0, 2), HintSchedule.Default.At(299, 300), 12);
    }

    [Fact]
    public void A_schedule_starts_random_falls_and_never_quite_reaches_0()
    {
        var cases = (from epochs in Gen.Choose(1, 400)
                     from power in Gen.Elements(1.0, 2, 4, 8)
                     from start in Gen.Choose(0, 10)
                     select (epochs, schedule: new HintSchedule { Power = power, Start = start / 10.0 })).ToArbitrary();
        Prop.ForAll(cases, @case =>
        {
            var (epochs, schedule) = @case;
            double[] hints = [.. Enumerable.Range(0, epochs).Select(epoch => schedule.At(epoch, epochs))];
            Assert.Equal(1, hints[0]);
            Assert.Equal(hints.OrderDescending(), hints);
            Assert.True(hints[^1] > 0);
            for (int epoch = 0; epoch < epochs; epoch++)
                if (epoch * 10 >= (int)Math.Round(schedule.Start * 10) * epochs)
                    Assert.Equal(1 - Math.Pow(epoch / (double)epochs, schedule.Power), hints[epoch], 12);
                else
                    Assert.Equal(1, hints[epoch]);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_constant_holds_in_every_epoch() =>
        Assert.All(Enumerable.Range(0, 10), epoch => Assert.Equal(0.5, HintSchedule.Fixed(0.5).At(epoch, 10)));

    [Fact]
    public void Values_out_of_range_are_refused()
    {
        Assert.Throws<UserErrorException>(() => HintSchedule.Fixed(1.5).Validate());
        Assert.Throws<UserErrorException>(() => new HintSchedule { Start = -0.1 }.Validate());
        Assert.Throws<UserErrorException>(() => new HintSchedule { Power = 0 }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => HintSchedule.Default.At(10, 10));
    }
}
