using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>Optimisers that are told on the device whether a step is taken, beside themselves on the processor.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class DeviceOptimizerTests
{
    private const double Rate = 0.05, MostNorm = 0.5;

    public static TheoryData<string> Optimizers => ["adamw", "adamw with followers", "adamw bf16", "amsgrad", "sgd", "lars"];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void They_do_the_same_on_both(string kind)
    {
        using var here = new Trial(kind, Device.Cpu);
        using var there = new Trial(kind, PretendedDevice.First);
        for (int step = 1; step <= 6; step++)
        {
            float loss = step is 1 or 4 ? float.NaN : 1; // the very first is not taken
            StepVerdict expected = here.Step(step, loss), actual = there.Step(step, loss);
            Assert.Equal(expected.Applied, actual.Applied);
            Assert.Equal(step is not (1 or 4), actual.Applied);
            Assert.Equal(expected.Norm, actual.Norm, 1e-6);
        }
        Assert.Equal((4L, 4L), (here.Optimizer.Steps, there.Optimizer.Steps));
        double tolerance = kind.EndsWith("bf16", StringComparison.Ordinal) ? 2e-3 : 5e-6; // of values of about 1
        Assert.All(here.Everything().Zip(there.Everything()), pair => Assert.Equal(pair.First, pair.Second, tolerance));
    }

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void A_step_that_is_not_taken_changes_no_bit_and_nobody_waits(string kind)
    {
        using var trial = new Trial(kind, PretendedDevice.First);
        trial.Step(1, loss: 1);
        foreach ((float loss, float gradient) in ((float, float)[])[(float.NaN, 1), (float.PositiveInfinity, 1), (1, float.NaN), (1, float.NegativeInfinity)])
        {
            float[] before = trial.Everything();
            trial.Set([.. Enumerable.Repeat(gradient, Trial.Count)]);
            PretendedDevice.Forget();
            using (StepGate gate = trial.Take(loss))
            {
                Assert.Equal(0, PretendedDevice.Traffic.Waits);
                Assert.False(gate.Read().Applied);
                Assert.Equal(1, PretendedDevice.Traffic.Waits);
            }
            Assert.Equal(before, trial.Everything());
            Assert.Equal(1, trial.Optimizer.Steps);
        }
    }

    /// <summary>The operator itself, which a later libtorch leaves to its own, also on the processor.</summary>
    [Theory]
    [InlineData(1.0, false), InlineData(1.0, true), InlineData(0.0, false)]
    public void The_operator_is_AdamW(double applied, bool amsGrad)
    {
        using var scope = new TensorScope();
        Tensor Values(int phase) => Tensor.From([.. Enumerable.Range(0, Trial.Count).Select(i => MathF.Cos(phase + i))], Trial.Count);
        Tensor[] Buffers() => [Values(1), Values(2), Values(3), Values(4) * 0.0 + 0.5, Values(4) * 0.0 + 0.75, Values(5)]; // p, g, m, v, largest, follower
        Tensor[] expected = Buffers(), actual = Buffers();
        if (applied > 0)
        {
            new Operator("otomask::adamw_").Run(
                expected[0], expected[1], expected[2], expected[3], Rate, 0.9, 0.95, 1e-8, 0.3, 7, 0.25, expected[5], 0, 0.9, amsGrad ? expected[4] : Argument.None);
        }
        else
        {
            expected[1].ZeroInto();
        }
        Tensor Number(double value) => Tensor.From([(float)value]);
        new Operator("otomask::adamw_where_").Run(
            Number(applied), Number(0.25), actual[0], actual[1], actual[2], actual[3], Number(7), Rate, 0.9, 0.95, 1e-8, 0.3, actual[5], 0, 0.9, amsGrad ? actual[4] : Argument.None);
        Assert.All(expected.Zip(actual), pair => Assert.All(
            pair.First.ToArray<float>().Zip(pair.Second.ToArray<float>()), values => Assert.Equal(values.First, values.Second, applied > 0 ? 1e-6f : 0)));
    }

    [Fact]
    public void The_count_of_steps_goes_on_where_it_was()
    {
        using var straight = new Trial("adamw", PretendedDevice.First);
        straight.Optimizer.Steps = 1000;
        straight.Step(1, loss: 1);
        Assert.Equal(1001, straight.Optimizer.Steps);
    }

    /// <summary>4 x 5 values of a matrix, 3 of a vector, and what moves them.</summary>
    private sealed class Trial : IDisposable
    {
        public const int Count = 23;
        private readonly ParameterSet set = new(), followers = new();
        private readonly Device device;

        public Trial(string kind, Device device)
        {
            this.device = device;
            foreach (ParameterSet one in (ParameterSet[])[set, followers])
            {
                one.Add("matrix", static (values, _) => Fill(values, 1), 4, 5);
                one.Add("vector", static (values, _) => Fill(values, 2), 3);
            }
            set.LayOut(device, trained: true);
            followers.LayOut(device, trained: false);
            Optimizer = kind switch
            {
                "adamw" => new AdamW(set, 0.3),
                "adamw with followers" => new AdamW(set, 0.3, [new Follower(followers, 0, 0, 20), new Follower(followers, 20, 20, 3)]),
                "adamw bf16" => new AdamW(set, 0.3, moments: DType.BFloat16),
                "amsgrad" => new AdamW(set, 0.3, amsGrad: true),
                "sgd" => new Sgd(set),
                "lars" => new Lars(set, weightDecay: 0.1),
                _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
            };
        }

        public IOptimizer Optimizer { get; }

        public StepVerdict Step(int number, float loss)
        {
            Set([.. Enumerable.Range(0, Count).Select(i => MathF.Sin(i * number) / number)]);
            using StepGate gate = Take(loss);
            Assert.All(set.Gradients.ToArray<float>(), gradient => Assert.Equal(0, gradient));
            return gate.Read();
        }

        public void Set(float[] gradients)
        {
            using var scope = new TensorScope();
            set.Gradients.CopyFrom(Tensor.Send(device, gradients, Count));
        }

        public StepGate Take(float loss)
        {
            using var scope = new TensorScope();
            StepGate gate = StepGate.Of([Tensor.Send(device, new[] { loss })], [], set.Gradients.Norm(), MostNorm);
            if (Optimizer is AdamW adamW)
                adamW.Step(Rate, gate, emaDecay: 0.9);
            else
                Optimizer.Step(Rate, gate);
            return gate;
        }

        public float[] Everything()
        {
            using var scope = new TensorScope();
            return [.. set.Values.ToArray<float>(), .. followers.Values.ToArray<float>(), .. Optimizer.State.SelectMany(state => state.Values.To(DType.Float32).ToArray<float>())];
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            set.Dispose();
            followers.Dispose();
        }

        private static void Fill(Span<float> values, int phase)
        {
            for (int i = 0; i < values.Length; i++)
                values[i] = MathF.Cos(phase + i);
        }
    }
}
