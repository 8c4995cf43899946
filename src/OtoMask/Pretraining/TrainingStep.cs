using System.Diagnostics;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>Seconds spent in each part of the training steps so far.</summary>
internal sealed class PhaseTimes
{
    /// <summary>Choosing masks from the model's features (strategies that need the model).</summary>
    public double Mask { get; internal set; }

    /// <summary>Forward pass, the copy to the device included.</summary>
    public double Forward { get; internal set; }

    /// <summary>Backward pass.</summary>
    public double Backward { get; internal set; }

    /// <summary>Gradient norm, optimiser and moving average.</summary>
    public double Update { get; internal set; }

    /// <summary>Waiting for the gradients of other processes.</summary>
    public double Exchange { get; internal set; }
}

/// <summary>What one optimiser step did.</summary>
/// <param name="Loss">Mean loss over its batches, before the step.</param>
/// <param name="GradientNorm">Global Euclidean norm of the gradients before clipping.</param>
/// <param name="Applied">False where the loss or the norm was not finite: the parameters are then untouched.</param>
internal readonly record struct StepOutcome(double Loss, double GradientNorm, bool Applied)
{
    /// <summary>Mean of each loss that the framework names besides, empty where it names none.</summary>
    public IReadOnlyList<(string Name, double Value)> Parts { get; init; } = [];
}

/// <summary>A step that was asked for. On another device than the processor it may not be done yet.</summary>
internal sealed class StepInFlight : IDisposable
{
    private readonly StepGate gate;
    private readonly string[] parts;

    /// <param name="gate">Whether it is taken; disposed with it.</param>
    /// <param name="parts">Names of the losses that the framework names besides, one for each of the gate's.</param>
    internal StepInFlight(StepGate gate, params string[] parts) => (this.gate, this.parts) = (gate, parts);

    /// <summary>What it did; waits until it is done.</summary>
    public StepOutcome Read()
    {
        StepVerdict verdict = gate.Read();
        return new StepOutcome(verdict.Losses.Sum(loss => loss / verdict.Losses.Length), verdict.Norm, verdict.Applied)
        {
            Parts = [.. parts.Zip(verdict.Parts).GroupBy(part => part.First).Select(part => (part.Key, part.Average(one => one.Second)))],
        };
    }

    /// <inheritdoc/>
    public void Dispose() => gate.Dispose();
}

/// <summary>One optimiser step of a model: forward and backward over its batches, clip, AdamW, moving average.</summary>
/// <param name="model">The model; its owner disposes it.</param>
/// <param name="optimizer">The optimiser of the model's trained parameters; its owner disposes it.</param>
/// <param name="precision">Precision of the matrix products; not <see cref="Precision.Auto"/>.</param>
/// <param name="clipNorm">Largest global gradient norm; docs/method.md section 6 has 3.0.</param>
/// <param name="featureMasking">The strategy, where it needs the model; else null and batches come masked.</param>
/// <param name="group">The processes that share every batch; null = this one alone.</param>
internal sealed class TrainingStep(
    MaskedModel model, AdamW optimizer, Precision precision, double clipNorm, IFeatureMaskingStrategy? featureMasking = null, TrainingGroup? group = null) : IDisposable
{
    private readonly BatchTransfer transfer = new(model);
    private readonly DeviceMasking? deviceMasking = model.Device.IsCpu ? null : DeviceMasking.Of(featureMasking);
    private readonly TrainingGroup group = group ?? TrainingGroup.Alone;
    private readonly GradientExchange? exchange = group is { IsAlone: false } ? new GradientExchange(group, model.Trained, model.Stacks) : null;

    /// <summary>Where the time went. On another device than the processor that is the time to ask for the work, unless <see cref="WaitsForDevice"/>.</summary>
    public PhaseTimes Times { get; } = new();

    /// <summary>Who computes bfloat16 products on the processor; null = the kernels.</summary>
    public Bf16By? Bf16By { get; init; }

    /// <summary>Whether every phase ends only when the device has done it: to measure, for it takes longer.</summary>
    public bool WaitsForDevice { get; init; }

    /// <summary>Forward, backward, update; waits until they are done.</summary>
    /// <inheritdoc cref="Begin"/>
    public StepOutcome Run(IReadOnlyList<MaskedBatch> batches, double learningRate, double emaDecay)
    {
        using StepInFlight step = Begin(batches, learningRate, emaDecay);
        return step.Read();
    }

    /// <summary>Forward, backward, update, without waiting for another device than the processor. A step whose loss or gradient is not finite changes nothing.</summary>
    /// <param name="batches">The batches whose gradients are averaged.</param>
    /// <param name="learningRate">AdamW's step length.</param>
    /// <param name="emaDecay">tau of M2D's target network, which follows by an exponential moving average.</param>
    public StepInFlight Begin(IReadOnlyList<MaskedBatch> batches, double learningRate, double emaDecay)
    {
        using var scope = new TensorScope();
        using IDisposable? products = precision.OfStep();
        Losses[] losses = [.. batches.Select((batch, i) => i == batches.Count - 1 && exchange is not null
            ? exchange.During(() => Differentiate(batch, batch.Share / batches.Count))
            : Differentiate(batch, batch.Share / batches.Count))];
        if (exchange is not null)
            losses = Timed(spent => Times.Exchange += spent, () => OfAll(losses, batches, exchange));
        StepGate gate = Timed(spent => Times.Update += spent, () =>
        {
            StepGate decided = StepGate.Of(
                [.. losses.Select(loss => loss.Total)], [.. losses.SelectMany(loss => loss.Parts.Select(part => part.Value))], model.Trained.Gradients.Norm(), clipNorm);
            optimizer.Step(learningRate, decided, emaDecay);
            return decided;
        });
        return new StepInFlight(gate, [.. losses.SelectMany(loss => loss.Parts.Select(part => part.Name))]);
    }

    /// <inheritdoc/>
    public void Dispose() => exchange?.Dispose();

    /// <summary>Gradients and losses of whole batches, of which every process has computed its share.</summary>
    private Losses[] OfAll(Losses[] losses, IReadOnlyList<MaskedBatch> batches, GradientExchange exchange)
    {
        exchange.Finish();
        Tensor Shared(Tensor loss, MaskedBatch batch) => (loss.To(DType.Float32) * batch.Share).View(1);
        Tensor sums = Tensor.Cat(0, [.. losses.Zip(batches).SelectMany(pair => pair.First.Parts.Select(part => part.Value).Prepend(pair.First.Total).Select(loss => Shared(loss, pair.Second)))]);
        group.Sum(sums);
        int next = 0;
        Tensor Next() => sums.Narrow(0, next++, 1).View();
        return [.. losses.Select(one => new Losses(Next(), [.. one.Parts.Select(part => (part.Name, Next()))]))];
    }

    /// <summary>Adds the gradients of one batch, times <paramref name="share"/>.</summary>
    /// <returns>The losses of the batch, in the scope outside.</returns>
    private Losses Differentiate(MaskedBatch batch, double share)
    {
        using var scope = new TensorScope();
        PatchBatch input = featureMasking is null ? Timed(spent => Times.Forward += spent, () => transfer.Send(batch)) : MaskByFeatures(batch, featureMasking);
        Losses losses = Timed(spent => Times.Forward += spent, () =>
        {
            using IDisposable? autocast = precision.On(model.Device, Bf16By);
            return model.Loss(input);
        });
        // Elsewhere nobody waits to know whether it is finite: what it adds to the gradients is thrown away with them.
        if (!model.Device.IsCpu || double.IsFinite(losses.Total.Item()))
        {
            Timed(spent => Times.Backward += spent, () =>
            {
                (losses.Total * share).Backward();
                return true;
            });
        }
        Tensor Told(Tensor loss) => scope.Keep(loss.Detach());
        return new Losses(Told(losses.Total), [.. losses.Parts.Select(part => (part.Name, Told(part.Value)))]);
    }

    private PatchBatch MaskByFeatures(MaskedBatch batch, IFeatureMaskingStrategy masking)
    {
        (Tensor whole, Tensor seen) = Timed(spent => Times.Forward += spent, () => transfer.SendPatches(batch));
        (Tensor visible, Tensor masked) = Timed(spent => Times.Mask += spent, () => deviceMasking is null || batch.HintRatio >= HintRatio.Random
            ? DrawOnHost(batch, seen, masking)
            : deviceMasking.Draw(batch, Features(batch, seen)));
        return new PatchBatch((whole, seen), visible, masked, transfer.SendNoise(batch, (int)masked.Shape[1]));
    }

    private (Tensor Visible, Tensor Masked) DrawOnHost(MaskedBatch batch, Tensor seen, IFeatureMaskingStrategy masking)
    {
        int patches = batch.Grid.Count, width = model.Shape.Encoder.Width;
        // Where the hint ratio leaves nothing of them, a device is not made to wait for features.
        float[] features = deviceMasking is null ? Features(batch, seen).ToArray<float>() : new float[batch.Count * patches * width];
        var masks = new PatchMask[batch.Count][];
        Parallel.For(0, batch.Count, clip => masks[clip] = masking.SampleSeveral(
            batch.Grid, features.AsSpan(clip * patches * width, patches * width), width, batch.ContextsOf(clip)));
        batch.Mask([.. masks.SelectMany(ofClip => ofClip)]);
        return transfer.SendIds(batch);
    }

    /// <summary>What the encoder makes of whole clips: [B, L, D], without CLS.</summary>
    private Tensor Features(MaskedBatch batch, Tensor seen)
    {
        int patches = batch.Grid.Count;
        Tensor ids = Tensor.Range(model.Device, patches).View(1, patches).Expand(batch.Count, patches);
        using (precision.On(model.Device, Bf16By))
            return model.Frozen.Encode(seen, ids).Narrow(1, 1, patches).To(DType.Float32);
    }

    private T Timed<T>(Action<double> spent, Func<T> work)
    {
        long begin = Stopwatch.GetTimestamp();
        T result = work();
        if (WaitsForDevice)
            TorchRuntime.Wait(model.Device);
        spent(Stopwatch.GetElapsedTime(begin).TotalSeconds);
        return result;
    }
}
