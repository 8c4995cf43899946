using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Export;

/// <summary>What every format says of a model: its weights under the field's names, and all that is needed to use them.</summary>
public sealed class ExportedModel : IDisposable
{
    // Names of classes in any script as they are, not as \u escapes: the metadata is no web page.
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Framework? framework;
    private readonly MaskedModel? whole;

    /// <summary>A model as it is in memory.</summary>
    /// <param name="encoder">The model with its geometry, normalisation and front end; disposed with this.</param>
    /// <param name="framework">How it was pre-trained; null where that is not known.</param>
    /// <param name="whole">The model with what pre-training alone needs (decoder or predictor, target network), to be written too; disposed with this. Null for the encoder alone.</param>
    /// <param name="head">What tells classes, of a fine-tuned model; null for none.</param>
    internal ExportedModel(EncoderSnapshot encoder, Framework? framework, MaskedModel? whole = null, ExportedHead? head = null) =>
        (Encoder, this.framework, this.whole, Head) = (encoder, framework, whole, head);

    /// <summary>The model with its geometry, normalisation and front end.</summary>
    public EncoderSnapshot Encoder { get; }

    /// <summary>What tells classes; null where the model has none or it is left out.</summary>
    internal ExportedHead? Head { get; }

    /// <summary>Whether an ONNX graph gives classes alone, without embeddings: half the work, for the encoder goes over a clip once for each.</summary>
    public bool ClassesOnly { get; init; }

    /// <summary>Model, input, patch and sampling rate as the field writes them in the names of folders: <c>m2d_vit_base-80x608p16x16p16k</c>.</summary>
    /// <remarks>docs/method.md section 8. A size without a name becomes width, depth and heads: <c>m2d_vit_w256d6h4</c>.</remarks>
    public string FieldName => $"{ModelName}-{Encoder.Input}p{Encoder.LogMel.SampleRate / 1000}k";

    /// <summary>
    /// Geometry, shape and front end by the names that the published code gives them, and what there is to know about the head. Values:
    /// <c>string</c>, <c>int</c>, <c>bool</c>, <c>int[]</c>, <c>string[]</c>.
    /// </summary>
    public IReadOnlyDictionary<string, object?> Arguments
    {
        get
        {
            BlockShape shape = Encoder.Encoder.Shape.Encoder;
            var arguments = new OrderedDictionary<string, object?>
            {
                ["model"] = ModelName,
                ["input_size"] = new[] { Encoder.Input.Bands, Encoder.Input.Frames },
                ["patch_size"] = new[] { Encoder.Input.PatchHeight, Encoder.Input.PatchWidth },
                ["embed_dim"] = shape.Width,
                ["depth"] = shape.Depth,
                ["num_heads"] = shape.Heads,
            };
            if (whole is not null)
            {
                arguments["decoder_embed_dim"] = whole.Shape.Decoder.Width;
                arguments["decoder_depth"] = whole.Shape.Decoder.Depth;
                arguments["decoder_num_heads"] = whole.Shape.Decoder.Heads;
            }
            arguments["sample_rate"] = Encoder.LogMel.SampleRate;
            arguments["n_fft"] = Encoder.LogMel.FftSize;
            arguments["hop_size"] = Encoder.LogMel.HopSize;
            arguments["n_mels"] = Encoder.LogMel.Bands;
            arguments["f_min"] = (int)Encoder.LogMel.MinHz;
            arguments["f_max"] = (int)Encoder.LogMel.MaxHz;
            foreach ((string key, object? value) in Head?.Arguments ?? new Dictionary<string, object?>())
                arguments[key] = value;
            return arguments;
        }
    }

    /// <summary>The arguments and the normalisation as text, for formats whose metadata is text: sizes as <c>80x608</c>, classes and truths as JSON.</summary>
    public IReadOnlyDictionary<string, string> Metadata
    {
        get
        {
            var metadata = new OrderedDictionary<string, string>();
            foreach ((string key, object? value) in Arguments)
                metadata[key] = Text(value);
            metadata["mean"] = Encoder.Statistics.Mean.ToString("R", CultureInfo.InvariantCulture);
            metadata["std"] = Encoder.Statistics.Std.ToString("R", CultureInfo.InvariantCulture);
            return metadata;
        }
    }

    /// <summary>Normalisation, every parameter and the positions, float32, under the field's names.</summary>
    internal IEnumerable<SafetensorsEntry> Weights =>
    [
        ModelWeights.Entry(Encoder.Statistics),
        .. whole is null ? ModelWeights.Entries(Encoder.Encoder) : ModelWeights.Entries(whole),
        .. HeadWeights,
    ];

    /// <summary>Parameters and positions of the encoder, and the head: what it takes to use the model.</summary>
    internal IEnumerable<SafetensorsEntry> WeightsInUse => [.. ModelWeights.Entries(Encoder.Encoder), .. HeadWeights];

    private IEnumerable<SafetensorsEntry> HeadWeights => Head?.Weights ?? [];

    /// <summary>Loads a model for export, whole where it is stored whole.</summary>
    /// <param name="saved">The model.</param>
    /// <param name="encoderOnly">Whether to load its encoder alone, without decoder, predictor or head.</param>
    /// <param name="classesOnly">Whether an ONNX graph is to give classes alone (<see cref="ClassesOnly"/>).</param>
    /// <exception cref="UserErrorException">A tensor is missing or has another shape, a head does not say its classes, or there is none to tell classes with.</exception>
    public static ExportedModel Of(SavedModel saved, bool encoderOnly, bool classesOnly = false)
    {
        ExportedHead? head = encoderOnly ? null : ExportedHead.Of(saved);
        if (classesOnly && head is null)
            throw new UserErrorException($"{saved.Name} has no head to tell classes with; give a fine-tuned model, or leave out `classesOnly`");
        MaskedModel? whole = encoderOnly || saved.Framework is null ? null : saved.LoadModel(Device.Cpu);
        EncoderSnapshot encoder = whole is null ? saved.LoadEncoder(Device.Cpu) : new EncoderSnapshot(whole.Frozen, saved.Normalisation, saved.LogMel);
        return new ExportedModel(encoder, saved.Framework, whole, head) { ClassesOnly = classesOnly };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoder.Dispose();
        whole?.Dispose();
    }

    private static string Text(object? value) => value switch
    {
        int[] sizes => string.Join('x', sizes),
        string[] or bool => JsonSerializer.Serialize(value, Readable),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private string ModelName
    {
        get
        {
            BlockShape shape = Encoder.Encoder.Shape.Encoder;
            string size = KnownSizes.Names.FirstOrDefault(name => KnownSizes.Encoder(name) == shape) ?? $"w{shape.Width}d{shape.Depth}h{shape.Heads}";
            return $"{(framework ?? KnownFrameworks.M2d).FieldName}_vit_{size}"; // an encoder alone is the same in all
        }
    }
}
