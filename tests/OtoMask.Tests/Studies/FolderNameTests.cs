using OtoMask.Configuration;
using OtoMask.Randomness;
using OtoMask.Studies;

namespace OtoMask.Tests.Studies;

/// <summary>Where the runs of a study's arms lie: apart, and within the study.</summary>
public sealed class FolderNameTests
{
    [Theory]
    [InlineData("dwm"), InlineData("dwm-topk_2.0"), InlineData("random..x"), InlineData(".hidden")]
    public void A_plain_name_stays(string name) => Assert.Equal(name, FolderName.Of(name));

    [Theory]
    [InlineData("a/b", "a%2Fb"), InlineData("a b", "a%20b"), InlineData("..", "%2E%2E"), InlineData(".", "%2E"), InlineData("ä", "%C3%A4"), InlineData("100%", "100%25"), InlineData("~", "%7E")]
    public void What_is_not_plain_is_written_as_bytes(string name, string folder) => Assert.Equal(folder, FolderName.Of(name));

    [Fact]
    public void Different_names_give_different_folders_that_lie_within_the_study()
    {
        const string Letters = "aB.-_/ %~2F\\\n\u00e9";
        var random = new RandomStream(3, RandomPurpose.Crop, 0, 0);
        HashSet<string> names = ["a/b", "a-b", "a b", "a%2Fb", "..", "../..", new string('x', 200), new string('x', 201), new string('x', 5000), new string('/', 300), new string('/', 301)];
        for (int i = 0; i < 5000; i++)
            names.Add(string.Concat(Enumerable.Range(0, 1 + random.NextInt32(5)).Select(_ => Letters[random.NextInt32(Letters.Length)])));
        string[] folders = [.. names.Select(FolderName.Of)];
        Assert.Equal(folders.Length, folders.Distinct().Count());
        Assert.All(folders, folder =>
        {
            Assert.Matches("^[A-Za-z0-9._%~-]{1,200}$", folder);
            Assert.Equal($"/study/{folder}", Path.GetFullPath($"/study/{folder}"));
        });
    }

    [Fact]
    public void A_run_lies_where_it_did() =>
        Assert.Equal("m2d/dwm/seed-42", new StudyCell("m2d", "dwm", new PretrainingConfig { Data = "recordings" }).Name);
}
