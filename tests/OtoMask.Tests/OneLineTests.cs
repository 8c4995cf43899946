using OtoMask.Data;

namespace OtoMask.Tests;

public sealed class OneLineTests
{
    [Fact]
    public void What_a_strangers_file_says_neither_breaks_the_line_nor_reaches_the_terminal()
    {
        const string Name = "a\u001b[2J\n\u009bb\u007f.wav", Harmless = "a [2J  b .wav";
        Assert.Equal(Harmless, OneLine.Of(Name));
        Assert.Equal("a gpj.exe  b   c", OneLine.Of("a\u202egpj.exe\u2028\u2029b\u0085\u2066\u200fc"));
        Assert.Equal("übung 練習 تمرین می‌خواهم 👩‍👩‍👧", OneLine.Of("übung 練習 تمرین می‌خواهم 👩‍👩‍👧"));
        Assert.Equal($"{Harmless}: no", new UserErrorException($"{Name}: no").Message);
        Assert.Equal($"{Harmless}: no", new BadClipException(Name, "no").Message);
        Assert.Equal($"{Harmless}: no", new BadFile(Name, "no").ToString());
    }
}
