using OtoMask.Data;

namespace OtoMask.Tests.Data;

public sealed class LabelledTaskTests : IDisposable
{
    private readonly SoundFolder folder = new();

    public void Dispose() => folder.Dispose();

    private LabelledTask Read(string csv) => LabelledTask.Read(folder.AddText("task.csv", csv)["task.csv"]);

    [Fact]
    public void A_zero_byte_and_a_header_of_several_lines_end_in_one_line_of_words()
    {
        folder.AddText("zero.csv", "file_name,label,split\na\0.wav,x,train\n").AddText("header.csv", "file,\"la\nbel\",split\na.wav,x,train\n");
        Assert.Contains("line 2: holds a zero byte", Assert.Throws<UserErrorException>(() => LabelledTask.Read(folder["zero.csv"])).Message);
        Assert.Contains("no column 'file_name': its columns are file, la?bel, split", Assert.Throws<UserErrorException>(() => LabelledTask.Read(folder["header.csv"])).Message);
    }

    [Fact]
    public void Reads_clips_classes_and_splits()
    {
        LabelledTask task = Read("file_name,label,split,group\na.wav,snare,train,kit1\n\"b, c.wav\", kick ,valid,\nd.wav,snare,test,kit2\n");
        Assert.Equal("task", task.Name);
        Assert.Equal(["kick", "snare"], task.Classes);
        Assert.Equal([1, 0, 1], task.Clips.Select(clip => clip.Labels.Single()));
        Assert.Equal([TaskSplit.Train, TaskSplit.Valid, TaskSplit.Test], task.Clips.Select(clip => clip.Split));
        Assert.Equal(["kit1", null, "kit2"], task.Clips.Select(clip => clip.Group));
        Assert.Equal(folder["b, c.wav"], task.Clips[1].Path);
        Assert.True(task.HasValidation);
        Assert.False(task.IsMultiLabel);
        Assert.Empty(task.Folds);
    }

    [Fact]
    public void Several_labels_make_a_multi_label_task()
    {
        LabelledTask task = Read("file_name,label,split\na.wav,dog;bark;dog,train\nb.wav,cat,test\n");
        Assert.True(task.IsMultiLabel);
        Assert.Equal([0, 2], task.Clips[0].Labels);
    }

    [Fact]
    public void Folds_are_collected() =>
        Assert.Equal([1, 2], Read("file_name,label,split,fold\na.wav,x,train,2\nb.wav,y,train,1\n").Folds);

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("file_name,label,split\n", "names no clips")]
    [InlineData("file,label,split\na.wav,x,train\n", "no column 'file_name': its columns are file, label, split")]
    [InlineData("file_name,label\na.wav,x\n", "no column 'split'")]
    [InlineData("file_name,label,split,label\na.wav,x,train,y\n", "two columns 'label'")]
    [InlineData("file_name,label,split\na.wav,x,train\n\nb.wav,y,tset\n", "line 4: the split 'tset'")]
    [InlineData("file_name,label,split\na.wav,,train\n", "line 2: the label is empty")]
    [InlineData("file_name,label,split\n,x,train\nb.wav,y,test\n", "line 2: file_name is empty")]
    [InlineData("file_name,label,split\na.wav,x,train\nb.wav,x,test\n", "single label 'x'")]
    [InlineData("file_name,label,split\na.wav,x,train\nb.wav,y,train\n", "no clip whose split is test")]
    [InlineData("file_name,label,split\na.wav,x,valid\nb.wav,y,test\n", "no clip whose split is train")]
    [InlineData("file_name,label,split\na.wav,x,train,too,many\nb.wav,y,test\n", "line 2")]
    [InlineData("file_name,label,split\na.wav,x\nb.wav,y,test\n", "line 2")]
    [InlineData("file_name,label,split\na\"b.wav,x,train\nb.wav,y,test\n", "line 2")]
    [InlineData("file_name,label,split\na.wav,x,train\na.wav,y,test\n", "line 3: a.wav is on line 2 already")]
    [InlineData("file_name,label,split,fold\na.wav,x,train,one\nb.wav,y,test,2\n", "line 2: the fold 'one'")]
    [InlineData("file_name,label,split,fold\na.wav,x,train,1\nb.wav,y,test,\n", "line 3: no fold")]
    [InlineData("file_name,label,split,fold\na.wav,x,train,1\nb.wav,y,test,1\n", "every line is in fold 1")]
    public void Mistakes_are_named(string csv, string said)
    {
        string message = Assert.Throws<UserErrorException>(() => Read(csv)).Message;
        Assert.Contains(said, message);
        Assert.Contains("task.csv", message);
        Assert.DoesNotContain('\n', message);
    }

    [Theory]
    [InlineData("file_name\tlabel\tsplit\na.wav\tx\ttrain\n", "separated by tabs; save it with commas")]
    [InlineData("file_name;label;split\na.wav;x;train\n", "separated by semicolons; save it with commas")]
    [InlineData("file_name,label,split\na.wav,dog|bark,train\nb.wav,dog,test\n", "line 2: the label 'dog|bark' is made of labels of other lines; separate several labels by semicolons (dog;bark)")]
    [InlineData("file_name,label,split\na.wav,x|y,train\nb.wav,y|z,test\n", "line 2: the label 'x|y'")]
    [InlineData("file_name,label,split\na.wav,x,train\n./a.wav,y,test\n", "line 3: ./a.wav is on line 2 already, as a.wav")]
    [InlineData("file_name,label,split\na.wav,x,train\nb/../a.wav,y,test\n", "line 3: b/../a.wav is on line 2 already, as a.wav")]
    public void What_another_program_writes_otherwise_is_named_with_the_remedy(string csv, string said) => Mistakes_are_named(csv, said);

    [Fact]
    public void A_bar_in_a_label_is_taken_at_its_word_where_its_parts_are_no_labels() =>
        Assert.Equal(["a|b", "c|d"], Read("file_name,label,split\na.wav,a|b,train\nb.wav,c|d,test\n").Classes);

    [Fact]
    public void A_clip_is_its_file_whatever_it_is_called()
    {
        folder.Add("a.wav", 0.1, 1).Add("copy.wav", 0.1, 1);
        File.CreateSymbolicLink(folder["link.wav"], folder["a.wav"]);
        Directory.CreateSymbolicLink(folder["linked"], folder.Path);
        foreach (string other in (string[])["link.wav", "linked/a.wav", folder["a.wav"]])
            Mistakes_are_named($"file_name,label,split\na.wav,x,train\n{other},y,test\n", "is on line 2 already, as a.wav");
        Assert.Equal(2, Read("file_name,label,split\na.wav,x,train\ncopy.wav,y,test\n").Clips.Count);
    }

    [Fact]
    public void Labels_that_are_not_UTF_8_are_refused_and_a_byte_order_mark_is_no_part_of_a_column()
    {
        File.WriteAllBytes(folder["task.csv"], System.Text.Encoding.Latin1.GetBytes("file_name,label,split\na.wav,x,train\nb.wav,Bär,train\nc.wav,Bör,test\n"));
        Assert.Contains("line 3: is not UTF-8; save it as UTF-8", Assert.Throws<UserErrorException>(() => LabelledTask.Read(folder["task.csv"])).Message);
        Assert.Equal(["Bär", "Bör"], Read("\uFEFFfile_name,label,split\na.wav,Bär,train\nb.wav,Bör,test\n").Classes);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("no such file", Assert.Throws<UserErrorException>(() => LabelledTask.Read(folder["none.csv"])).Message);
}
