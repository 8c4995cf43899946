using OtoMask.Evaluation;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class AttentiveProbeTests
{
    private const int Tokens = 12, Width = 16;

    [Fact]
    public void It_finds_in_one_token_what_the_mean_hides()
    {
        using SyntheticTask task = SyntheticTask.Balanced(240, classes: 2);
        EmbeddedTask tokens = EmbeddedTask.From(task.Task, "tokens", Tokens * Width, [.. task.Task.Clips.Select((clip, i) => Clip(i, clip.Labels[0]))]);
        EmbeddedTask means = EmbeddedTask.From(task.Task, "means", Width, [.. task.Task.Clips.Select((clip, i) => Mean(Clip(i, clip.Labels[0])))]);
        double attentive = AttentiveProbe.RunFold(tokens, Width, foldIndex: 0, seed: 1).Score, linear = LinearProbe.Run(means, ProbeMode.Tuned, [1]).Score.Value / 100;
        Assert.True(attentive > 0.9 && linear < 0.8, $"attentive {attentive:0.00}, linear {linear:0.00}");
        Assert.Equal(attentive, AttentiveProbe.RunFold(tokens, Width, foldIndex: 0, seed: 1).Score);
    }

    [Fact]
    public void Queries_weigh_tokens_and_hear_a_slice_each()
    {
        using var layer = new AttentiveLayer(Width, classes: 3, seed: 4, Device.Cpu);
        float[] values = layer.Parameters.Values.ToArray<float>();
        float[] input = SyntheticTask.Normal(2 * Tokens * Width, new RandomStream(2, RandomPurpose.Probe), 1);
        using var scope = new TensorScope();
        float[] logits = layer.Logits(Tensor.From(input, 2, Tokens, Width)).ToArray<float>();

        float[] Values(string name) => layer.Parameters.Parameters.Single(parameter => parameter.Name == name).Value.ToArray<float>();
        (float[] queries, float[] weight) = (Values("queries"), Values("weight"));
        for (int clip = 0; clip < 2; clip++)
        {
            double[] heard = new double[Width];
            for (int d = 0; d < Width; d++)
            {
                int head = d / (Width / AttentiveProbe.Queries);
                double[] weights = [.. Enumerable.Range(0, Tokens).Select(token => Math.Exp(Enumerable.Range(0, Width).Sum(i => Token(clip, token, i) * queries[head * Width + i]) / Math.Sqrt(Width)))];
                heard[d] = Enumerable.Range(0, Tokens).Sum(token => weights[token] * Token(clip, token, d)) / weights.Sum();
            }
            for (int label = 0; label < 3; label++)
                Assert.Equal(heard.Select((value, d) => value * weight[label * Width + d]).Sum(), logits[clip * 3 + label], 1e-5);
        }

        double Token(int clip, int token, int d) => input[(clip * Tokens + token) * Width + d];
    }

    /// <summary>Noise, but for one token, marked by its first dimension, whose second one tells the class.</summary>
    private static float[] Clip(int number, int label)
    {
        var random = new RandomStream(9, RandomPurpose.Probe, 0, number);
        int marked = random.NextInt32(Tokens);
        float[] tokens = SyntheticTask.Normal(Tokens * Width, random, 1);
        for (int token = 0; token < Tokens; token++)
            tokens[token * Width] = token == marked ? 6 : 0;
        tokens[marked * Width + 1] = label == 0 ? 2 : -2;
        return tokens;
    }

    private static float[] Mean(float[] tokens) => [.. Enumerable.Range(0, Width).Select(d => Enumerable.Range(0, Tokens).Average(token => tokens[token * Width + d]))];
}
