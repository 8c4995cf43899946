using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Pretraining;

/// <summary>
/// A new run that begins with the weights of a model on disk (<see cref="PretrainingConfig.From"/>): a new schedule, a new optimiser, the
/// normalisation of its own data. A run that is resumed has no use for any of this.
/// </summary>
public static class FurtherPretraining
{
    /// <summary>The configuration with what the model decides wherever the user does not say otherwise: framework, sizes, front end and input.</summary>
    /// <param name="config">What the user says.</param>
    /// <param name="from">The model to begin with.</param>
    /// <param name="given">Names of the keys that the user gives.</param>
    public static PretrainingConfig Complete(PretrainingConfig config, SavedModel from, IReadOnlySet<string> given)
    {
        bool sized = given.Contains("size");
        config = config with
        {
            Framework = given.Contains("framework") ? config.Framework : from.Framework ?? config.Framework,
            SampleRate = given.Contains("sample-rate") ? config.SampleRate : from.LogMel.SampleRate,
            Input = given.Contains("input") ? config.Input : from.Input.InputText,
            Patch = given.Contains("patch") ? config.Patch : from.Input.PatchText,
            Size = sized ? config.Size : KnownSizes.Names.FirstOrDefault(name => KnownSizes.Encoder(name) == from.Encoder, config.Size),
            Encoder = sized || given.Contains("encoder") ? config.Encoder : from.Encoder,
        };
        bool sameDecoder = !sized && !given.Contains("decoder") && from.Framework == config.Framework;
        return sameDecoder ? config with { Decoder = from.Decoder } : config;
    }

    /// <summary>The model that a configuration begins with, or null.</summary>
    /// <exception cref="UserErrorException">It cannot be read, or its encoder is not of the same shape, on the same front end, in the same patches.</exception>
    internal static SavedModel? Open(PretrainingConfig config)
    {
        if (config.From is not { } path)
            return null;
        SavedModel from = SavedModel.Open(path);
        RequireFit(config, from);
        return from;
    }

    /// <summary>Overwrites a model's first values with those of the model on disk, as far as they go.</summary>
    /// <param name="model">The model of the new run.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="from">The model to begin with, which fits.</param>
    /// <returns>What was taken over and what begins anew, a line each.</returns>
    internal static IReadOnlyList<string> TakeOver(MaskedModel model, PretrainingConfig config, SavedModel from)
    {
        using MaskedModel? whole = from.Framework is null ? null : from.LoadModel(Device.Cpu);
        using EncoderSnapshot? alone = whole is null ? from.LoadEncoder(Device.Cpu) : null;
        FrozenEncoder source = whole?.Frozen ?? alone!.Encoder;
        ModelWeights.Copy(source.Parameters, model.Frozen.Parameters);
        model.Frozen.Positions.TakeOver(source.Positions);
        List<string> lines = [.. from.Notes.Select(note => $"{from.Name}: {note}"), $"from {from.Name}: encoder {from.Encoder}{Stretched(from.Input.Grid.Columns, config.Geometry.Grid.Columns)}"];

        string predictor = config.Framework.DecoderName;
        BlockShape decoder = config.ModelShape.Decoder;
        bool keepsDecoder = from.Framework == config.Framework && from.Decoder == decoder;
        if (keepsDecoder)
        {
            ModelWeights.Copy(whole!.Trained.Parameters.Skip(source.Parameters.Count), model.Trained.Parameters.Skip(source.Parameters.Count));
            foreach ((PositionTable theirs, PositionTable ours) in whole.Positions.Zip(model.Positions).Skip(1))
                ours.TakeOver(theirs);
        }
        lines.Add((keepsDecoder, from.Framework, from.Decoder) switch
        {
            (true, _, _) => $"from {from.Name}: {predictor} {decoder}",
            (_, null, _) => $"anew: {predictor} {decoder}, for {from.Name} holds an encoder alone",
            (_, { } framework, _) when framework != config.Framework => $"anew: {predictor} {decoder}, for {from.Name} was pre-trained as {framework}",
            (_, _, { } other) => $"anew: {predictor} {decoder}, for that of {from.Name} is {other}",
            _ => throw new InvalidOperationException("a framework comes with a decoder"),
        });
        if (config.Framework.HasTarget)
            lines.Add(TakeOverTarget(model, source, from.Framework == config.Framework ? whole : null, from.Name));
        lines.Add("anew: optimiser, schedules, normalisation");
        return lines;
    }

    /// <summary>The target network goes on where it was. A model that comes without begins with a copy of its encoder: random first
    /// values would take the whole moving average to be forgotten, and teach nothing the encoder does not know better.</summary>
    private static string TakeOverTarget(MaskedModel model, FrozenEncoder source, MaskedModel? ofSameFramework, string name)
    {
        if (ofSameFramework is not null)
        {
            ModelWeights.Copy(ofSameFramework.Following.Parameters, model.Following.Parameters);
            return $"from {name}: target network";
        }
        Dictionary<string, Parameter> encoder = source.Parameters.ToDictionary(parameter => parameter.Name);
        ModelWeights.Copy(model.Following.Parameters.Select(parameter => encoder[parameter.Name.Replace("target_", "")]), model.Following.Parameters);
        return "anew: target network, a copy of the encoder";
    }

    private static void RequireFit(PretrainingConfig config, SavedModel from)
    {
        BlockShape encoder = config.ModelShape.Encoder;
        if (encoder != from.Encoder)
            throw Unfit($"an encoder of {encoder} cannot take over weights of {from.Encoder}", "leave out `size` and `encoder`");
        if ((config.Geometry.PatchHeight, config.Geometry.PatchWidth) != (from.Input.PatchHeight, from.Input.PatchWidth))
            throw Unfit($"patches of {config.Patch} are not the {from.Input.PatchText} that it embeds", "leave out `patch`");
        // A row of patches stands for the frequencies it was trained on; only the length in time is free.
        if (config.LogMel != from.LogMel)
            throw Unfit(
                $"{config.LogMel.Bands} mel bands at {config.SampleRate} Hz are not the {from.LogMel.Bands} at {from.LogMel.SampleRate} Hz it knows", "change only the number of frames of `input`, and leave out `sample-rate`");

        UserErrorException Unfit(string what, string advice) => new($"from {from.Name}: {what}; {advice}");
    }

    private static string Stretched(int before, int now) => now.CompareTo(before) switch
    {
        0 => "",
        > 0 => $", its positions stretched from {before} to {now} patches along time",
        _ => $", its positions cut from {before} to {now} patches along time",
    };
}
