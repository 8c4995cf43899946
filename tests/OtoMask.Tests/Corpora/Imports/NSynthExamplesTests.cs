using OtoMask.Corpora.Imports;

namespace OtoMask.Tests.Corpora.Imports;

/// <summary>The one large JSON of the imports, read as it comes.</summary>
public sealed class NSynthExamplesTests : IDisposable
{
    private readonly DataSetCopy copy = new();

    public void Dispose() => copy.Dispose();

    [Fact]
    public void Notes_come_in_order_wherever_the_reads_cut_the_file()
    {
        // Longer than several reads, so that tokens of every kind are cut in two somewhere.
        string[] names = [.. Enumerable.Range(0, 20_000).Select(i => $"bass_synthetic_{i}-\u00e9")];
        copy.Text("examples.json", "{" + string.Join(",\n", names.Select((name, i) =>
            $"\"{name}\": {{\"instrument_family_str\": \"{(i % 2 == 0 ? "bass" : "reed")}\", \"qualities\": [0, 1, {{\"instrument_family_str\": \"no\"}}], \"pitch\": {i}}}")) + "}");
        Note[] notes = [.. NSynthExamples.Read(copy["examples.json"])];
        Assert.Equal(names, notes.Select(note => note.Name));
        Assert.All(notes, (note, i) => Assert.Equal(i % 2 == 0 ? "bass" : "reed", note.Family));
    }

    [Theory]
    [InlineData("", "zero bytes")]
    [InlineData("[]", "not an object of notes")]
    [InlineData("7", "not an object of notes")]
    [InlineData("{\"a\": {\"instrument_family_str\": \"bass\"}, \"b\": {\"pitch\": 1}}", "note 2: the note b has no instrument_family_str")]
    [InlineData("{\"a\": {\"instrument_family_str\": [\"bass\"]}}", "note 1: the note a has no instrument_family_str")]
    [InlineData("{\"a\": {\"instrument_family_str\": \"bass\"}", "not JSON")]
    [InlineData("{\"a\": {\"instrument_family_str\": \"\\ud800\"}}", "not JSON")]
    [InlineData("{\"../a\": {\"instrument_family_str\": \"bass\"}}", "'../a' leads out")]
    public void What_is_no_list_of_notes_is_refused(string json, string said)
    {
        copy.Text("examples.json", json);
        string message = Assert.Throws<UserErrorException>(() => NSynthExamples.Read(copy["examples.json"]).Count()).Message;
        Assert.Contains(said, message);
        Assert.Contains(copy["examples.json"], message);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public void A_value_without_end_is_not_held_in_memory()
    {
        copy.Text("examples.json", "{\"a\": {\"text\": \"" + new string('x', 3 << 20));
        Assert.Contains("more than 1048576 bytes", Assert.Throws<UserErrorException>(() => NSynthExamples.Read(copy["examples.json"]).Count()).Message);
    }
}
