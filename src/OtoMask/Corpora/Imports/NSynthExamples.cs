using System.Text.Json;

namespace OtoMask.Corpora.Imports;

/// <summary>A note of NSynth.</summary>
/// <param name="Name">Its name, which the recording has.</param>
/// <param name="Family">The instrument's family.</param>
internal sealed record Note(string Name, string Family);

/// <summary>
/// Reads <c>examples.json</c>: one object whose keys are notes and whose values describe them. The largest has some 200 MB, so it
/// is read as it comes, with no more of it in memory than a few tokens.
/// </summary>
internal sealed class NSynthExamples
{
    private const int FirstBuffer = 1 << 16, LargestBuffer = 1 << 20;
    private const string FamilyKey = "instrument_family_str";
    private readonly string path;
    private readonly Queue<Note> complete = [];
    private JsonReaderState state;
    private int notes;
    private string? name, family;
    private bool isFamilyNext;

    private NSynthExamples(string path) => this.path = path;

    /// <summary>The notes of a list, as they are asked for.</summary>
    /// <exception cref="UserErrorException">It cannot be read, is not JSON, or a note has no family or a name that leads out of the folder.</exception>
    public static IEnumerable<Note> Read(string path)
    {
        using FileStream stream = InputFile.Open(path);
        var examples = new NSynthExamples(path);
        var buffer = new byte[FirstBuffer];
        int held = 0;
        for (bool isLast = false; !isLast;)
        {
            if (held == buffer.Length)
                Array.Resize(ref buffer, held < LargestBuffer ? held * 2 : throw examples.Refused($"a value of more than {LargestBuffer} bytes"));
            int read = stream.Read(buffer.AsSpan(held));
            isLast = read == 0;
            held += read;
            int used = examples.Parse(buffer.AsSpan(0, held), isLast);
            buffer.AsSpan(used, held - used).CopyTo(buffer);
            held -= used;
            while (examples.complete.TryDequeue(out Note? note))
                yield return note;
        }
    }

    /// <summary>Takes the whole tokens out of some bytes and says how many bytes they had.</summary>
    private int Parse(ReadOnlySpan<byte> bytes, bool isLast)
    {
        var reader = new Utf8JsonReader(bytes, isLast, state);
        try
        {
            while (reader.Read())
                Take(reader);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter for text that is no Unicode
        {
            throw Refused($"not JSON ({error.Message})");
        }
        state = reader.CurrentState;
        return (int)reader.BytesConsumed;
    }

    private void Take(Utf8JsonReader reader)
    {
        switch (reader.TokenType, reader.CurrentDepth)
        {
            case (not JsonTokenType.StartObject and not JsonTokenType.EndObject, 0):
                throw Refused("not an object of notes");
            case (JsonTokenType.PropertyName, 1):
                (name, family) = (reader.GetString(), null);
                notes++;
                if (!LocalCopy.IsInside(name!))
                    throw Refused($"the name '{name}' leads out of the data folder or is none");
                break;
            case (JsonTokenType.PropertyName, 2):
                isFamilyNext = reader.ValueTextEquals(FamilyKey);
                return;
            case (JsonTokenType.String, 2) when isFamilyNext:
                family = reader.GetString();
                break;
            case (JsonTokenType.EndObject, 1):
                complete.Enqueue(new Note(name!, family ?? throw Refused($"the note {name} has no {FamilyKey}")));
                break;
        }
        isFamilyNext = false;
    }

    private UserErrorException Refused(string what) => new($"{path}, note {notes}: {InputFile.Quotable(what)}; take the file from its publisher");
}
