using OtoMask.Corpora.Imports;
using OtoMask.Data;

namespace OtoMask.Tests.Corpora.Imports;

/// <summary>Every recipe on a look-alike of its data set: the task it writes, what it says is missing, what it refuses.</summary>
public sealed class TaskImportTests
{
    public static TheoryData<string> Names => [.. KnownImports.All.Select(recipe => recipe.Name)];

    [Theory]
    [InlineData("esc50", "file_name,label,split,group,fold\naudio/1-1-A-0.wav,dog,train,1,1\naudio/2-7-A-14.wav,\"chirping, birds\",train,7,2\n")]
    [InlineData("us8k", "file_name,label,split,group,fold\naudio/fold5/100032-3-0-0.wav,dog_bark,train,100032,5\naudio/fold10/100263-2-0-117.wav,children_playing,train,100263,10\n")]
    [InlineData("fsd50k", "file_name,label,split\nFSD50K.dev_audio/10.wav,Electric_guitar;Guitar,train\nFSD50K.dev_audio/11.wav,Bark,valid\nFSD50K.eval_audio/12.wav,Bark;Guitar,test\n")]
    [InlineData("audioset", "file_name,label,split\nbalanced_train_segments/Y--4gqARaEJE.wav,/m/068hy;/m/07q6cd_,train\nunbalanced_train_segments/part00/--U7joUcTCo_0.000.wav,/m/01g50p,train\n"
        + "eval_segments/Yabcdefghij_30000_40000.wav,/m/068hy;/t/dd00125,test\n")]
    [InlineData("as20k", "file_name,label,split\nbalanced_train_segments/Y--4gqARaEJE.wav,/m/068hy;/m/07q6cd_,train\neval_segments/Yabcdefghij_30000_40000.wav,/m/068hy;/t/dd00125,test\n")]
    [InlineData("spcv2", "file_name,label,split\nbed/0a_nohash_0.wav,bed,valid\ncat/0b_nohash_0.wav,cat,test\nbed/0c_nohash_0.wav,bed,train\ncat/0c_nohash_1.wav,cat,train\n")]
    [InlineData("voxceleb1", "file_name,label,split\ndev/wav/id10001/1zcIwhmdeo4/00001.wav,id10001,test\ndev/wav/id10001/7gWzIy6yIIk/00001.wav,id10001,train\n"
        + "test/wav/id10270/5r0dWxy17C8/00003.wav,id10270,valid\ntest/wav/id10270/5sJomL_D0_g/00001.wav,id10270,train\n")]
    [InlineData("voxforge", "file_name,label,split\nanna-20080318-kdl/wav/b0019.wav,en,train\nbert-x/wav/de1.wav,de,valid\ncarl-y/wav/de2.wav,de,test\n")]
    [InlineData("cremad", "file_name,label,split,group\nAudioWAV/1001_DFA_ANG_XX.wav,ANG,test,1001\nAudioWAV/1002_DFA_SAD_XX.wav,SAD,train,1002\nAudioWAV/1003_IEO_SAD_HI.wav,SAD,valid,1003\n")]
    [InlineData("gtzan", "file_name,label,split\ngenres/blues/blues.00029.au,blues,train\ngenres/rock/rock.00001.wav,rock,train\ngenres/rock/rock.00002.wav,rock,valid\ngenres/blues/blues.00003.wav,blues,test\n")]
    [InlineData("nsynth", "file_name,label,split\nnsynth-train/audio/bass_synthetic_068-049-025.wav,bass,train\nnsynth-valid/audio/reed_acoustic_018-081-127.wav,reed,valid\n"
        + "nsynth-test/audio/reed_acoustic_023-067-075.wav,reed,test\n")]
    [InlineData("surge", "file_name,label,split\nBass 1/21.ogg,21,train\nBass 1/22.ogg,22,train\n\"Lead, soft/21.ogg\",21,valid\n\"Lead, soft/22.ogg\",22,valid\nPad/21.ogg,21,test\nPad/22.ogg,22,test\n")]
    public void The_task_is_that_of_the_lists(string name, string expected)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        Assert.Equal(expected, File.ReadAllText(Import(name, copy).CsvPath));
    }

    [Fact]
    public void The_task_lies_in_the_folder_unless_told_otherwise()
    {
        using DataSetCopy copy = DataSetCopy.Of("esc50");
        Assert.Equal(copy["esc50.csv"], Import("esc50", copy, new ImportOptions()).CsvPath);
        Assert.True(File.Exists(copy["esc50.csv"]));
    }

    [Fact]
    public void The_first_takes_of_spoken_digits_are_for_testing()
    {
        using DataSetCopy copy = DataSetCopy.Of("fsdd");
        LabelledTask task = LabelledTask.Read(Import("fsdd", copy).CsvPath);
        Assert.Equal((450, 50), (task.Clips.Count(clip => clip.Split == TaskSplit.Train), task.Clips.Count(clip => clip.Split == TaskSplit.Test)));
        Assert.Equal(
            ["_0.wav", "_1.wav", "_2.wav", "_3.wav", "_4.wav"],
            task.Clips.Where(clip => clip.Split == TaskSplit.Test).Select(clip => clip.Name[clip.Name.LastIndexOf('_')..]).Distinct());
        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], task.Classes);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_task_can_be_read_from_wherever_it_is_written(string name)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        foreach (string csv in new[] { copy["x.csv"], Path.Combine(copy.Elsewhere, "y.csv"), Path.Combine(Directory.CreateDirectory(copy["lists"]).FullName, "z.csv") })
        {
            ImportedTask task = Import(name, copy, new ImportOptions { Output = csv });
            LabelledTask read = LabelledTask.Read(csv);
            Assert.Equal((task.Clips, task.Classes), (read.Clips.Count, read.Classes.Count));
            Assert.All(read.Clips, clip => Assert.True(File.Exists(clip.Path), clip.Path));
            Assert.Equal(task.Recipe.IsMultiLabel, read.IsMultiLabel);
            Assert.Equal(task.Recipe.Published[0].Part == "fold 1", read.Folds.Count > 0);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Counts_are_checked_against_the_published_ones(string name)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        ImportedTask task = Import(name, copy);
        PublishedCount first = task.Recipe.Published[0];
        Assert.Contains(task.Problems, problem => problem.StartsWith("not the published counts: ") && problem.Contains($"{first.Part} has ") && problem.Contains($"published {first.Clips}"));
        Assert.Equal(task.Parts.Sum(part => part.There), task.Clips);
        string message = Assert.Throws<UserErrorException>(() => Import(name, copy, new ImportOptions { IsStrict = true, Output = copy["strict.csv"] })).Message;
        Assert.Contains($"published {first.Clips}", message);
        Assert.DoesNotContain('\n', message);
        Assert.False(File.Exists(copy["strict.csv"]));
    }

    [Theory]
    [InlineData("spcv2", "bed/0a_nohash_0.wav", 4, "bed/0a_nohash_0.wav")]
    [InlineData("voxceleb1", "test/wav/id10270/5r0dWxy17C8/00003.wav", 4, "dev/wav/id10270/5r0dWxy17C8/00003.wav")]
    [InlineData("gtzan", "genres/rock/rock.00002.wav", 4, "genres/rock/rock.00002.wav")]
    [InlineData("nsynth", "nsynth-valid/audio/reed_acoustic_018-081-127.wav", 3, "nsynth-valid/audio/reed_acoustic_018-081-127.wav")]
    [InlineData("surge", "Pad/22.ogg", 6, "Pad/22.ogg")]
    [InlineData("fsd50k", "FSD50K.dev_audio/11.wav", 3, "FSD50K.dev_audio/11.wav")]
    [InlineData("fsdd", "recordings/7_jackson_3.wav", 500, "recordings/7_jackson_3.wav")]
    public void A_missing_recording_is_left_out_and_named(string name, string file, int listed, string said)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        File.Delete(copy[file]);
        ImportedTask task = Import(name, copy);
        Assert.Equal($"1 of {listed} listed recordings are not there: {said}", task.Problems[0]);
        Assert.Equal(listed - 1, task.Clips);
        Assert.DoesNotContain(LabelledTask.Read(task.CsvPath).Clips, clip => clip.Name == file);
    }

    [Fact]
    public void Many_missing_recordings_are_counted_and_the_first_named()
    {
        using DataSetCopy copy = DataSetCopy.Of("fsdd");
        foreach (string file in Directory.GetFiles(copy["recordings"], "3_*"))
            File.Delete(file);
        Assert.Equal(
            "50 of 500 listed recordings are not there: recordings/3_jackson_0.wav, recordings/3_jackson_1.wav, recordings/3_jackson_2.wav and 47 more",
            Import("fsdd", copy).Problems[0]);
    }

    [Fact]
    public void A_whole_copy_has_no_problems_and_passes_strictly()
    {
        using DataSetCopy copy = new();
        copy.Sound("sound.wav", 0.05);
        int next = 0;
        foreach ((string list, int clips) in new[] { ("train", 443), ("valid", 197), ("test", 290) })
        {
            string[] names = [.. Enumerable.Range(0, clips).Select(_ => next++).Select(clip => ("abcdefghij"[clip % 10], $"{clip:D5}")).Select(track => $"{track.Item1}/{track.Item1}.{track.Item2}.wav")];
            copy.List($"{list}_filtered.txt", names);
            foreach (string name in names)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(copy[name])!);
                File.Copy(copy["sound.wav"], copy[name]);
            }
        }
        ImportedTask task = Import("gtzan", copy, new ImportOptions { IsStrict = true });
        Assert.Empty(task.Problems);
        Assert.Equal((930, 10), (task.Clips, task.Classes));
        Assert.Equal([new("train", 443, 443, 443), new("valid", 197, 197, 197), new("test", 290, 290, 290)], task.Parts);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_folder_of_another_layout_is_refused_with_what_was_expected(string name)
    {
        using DataSetCopy copy = new();
        copy.Sounds("music/a.wav");
        ImportRecipe recipe = KnownImports.Find(name);
        string message = Refused(name, copy);
        Assert.Contains(recipe.SplitList ?? recipe.Layout, message);
        if (recipe.SplitList is null)
            Assert.Contains(copy.Folder, message);
        Assert.False(File.Exists(copy["task.csv"]));
    }

    [Theory]
    [InlineData("voxceleb1", "iden_split.txt")]
    [InlineData("voxforge", "voxforge.csv")]
    [InlineData("cremad", "cremad.csv")]
    [InlineData("surge", "dataset_surge_tone_splits.csv")]
    public void A_list_of_others_may_lie_elsewhere(string name, string list)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        string inside = File.ReadAllText(Import(name, copy).CsvPath), moved = Path.Combine(copy.Elsewhere, "list.txt");
        File.Move(copy[list], moved);
        Assert.Contains("`Split`", Refused(name, copy));
        Assert.Equal(inside, File.ReadAllText(Import(name, copy, new ImportOptions { Split = moved, Output = copy["other.csv"] }).CsvPath));
        Assert.Contains("there is no file", Refused(name, copy, new ImportOptions { Split = moved + "x" }));
    }

    [Fact]
    public void The_three_lists_of_genres_are_given_by_their_folder()
    {
        using DataSetCopy copy = DataSetCopy.Of("gtzan");
        foreach (string list in Directory.GetFiles(copy.Folder, "*_filtered.txt"))
            File.Move(list, Path.Combine(copy.Elsewhere, Path.GetFileName(list)));
        Assert.Equal(4, Import("gtzan", copy, new ImportOptions { Split = copy.Elsewhere }).Clips);
        Assert.Contains("one list of three", Refused("gtzan", copy, new ImportOptions { Split = Path.Combine(copy.Elsewhere, "test_filtered.txt") }));
    }

    [Theory]
    [InlineData("esc50", "meta/esc50.csv", "2-7-A-14.wav", "../../etc/passwd")]
    [InlineData("esc50", "meta/esc50.csv", "2-7-A-14.wav", "/etc/passwd")]
    [InlineData("esc50", "meta/esc50.csv", "2-7-A-14.wav", "")]
    [InlineData("us8k", "metadata/UrbanSound8K.csv", "100263-2-0-117.wav", "..\\..\\x.wav")]
    [InlineData("fsd50k", "FSD50K.ground_truth/dev.csv", "11,Bark", "../11,Bark")]
    [InlineData("as20k", "eval_segments.csv", "Yabcdefghij", "../../../ab")]
    [InlineData("spcv2", "testing_list.txt", "cat/0b_nohash_0.wav", "../0b_nohash_0.wav")]
    [InlineData("voxceleb1", "iden_split.txt", "id10270/5sJomL_D0_g", "id10270/..")]
    [InlineData("voxforge", "voxforge.csv", "carl-y/wav/de2.wav", "carl-y/../../de2.wav")]
    [InlineData("voxforge", "voxforge.csv", "carl-y/wav/de2.wav", "carl-y/\u001b[2J.wav")]
    [InlineData("cremad", "cremad.csv", "1003_IEO_SAD_HI.wav", "../1003_IEO_SAD_HI.wav")]
    [InlineData("gtzan", "test_filtered.txt", "blues.00003", "../blues.00003")]
    [InlineData("nsynth", "nsynth-valid/examples.json", "reed_acoustic_018-081-127", "../reed_acoustic_018-081-127")]
    [InlineData("surge", "dataset_surge_tone_splits.csv", "Pad", "../Pad")]
    public void Names_that_lead_out_of_the_folder_are_refused(string name, string list, string from, string to)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        copy.Text(list, File.ReadAllText(copy[list]).Replace(from, to));
        string message = Refused(name, copy);
        Assert.Contains(copy[list], message);
        Assert.DoesNotContain(message, char.IsControl);
        Assert.False(File.Exists(copy["task.csv"]));
    }

    [Theory]
    [InlineData("esc50", "meta/esc50.csv", ",2,14,", ",two,14,", "line 3: the fold 'two'")]
    [InlineData("esc50", "meta/esc50.csv", "\"chirping, birds\"", "dog;bird", "the label 'dog;bird'")]
    [InlineData("esc50", "meta/esc50.csv", "2-7-A-14.wav,2", "1-1-A-0.wav,2", "audio/1-1-A-0.wav is listed twice")]
    [InlineData("esc50", "meta/esc50.csv", "category", "kind", "no column 'category'")]
    [InlineData("esc50", "meta/esc50.csv", "14,\"chirping, birds\"", "14,dog", "too little for a task")]
    [InlineData("voxforge", "voxforge.csv", "de,test", "de,tset", "line 4: the split 'tset'")]
    [InlineData("voxforge", "voxforge.csv", "de,test", "de,valid", "too little for a task")]
    [InlineData("voxceleb1", "iden_split.txt", "3 id10001", "4 id10001", "line 1: the part '4'")]
    [InlineData("gtzan", "train_filtered.txt", "rock.00001.wav", "rock.wav", "line 2: 'rock/rock.wav'")]
    [InlineData("as20k", "eval_segments.csv", "\"/m/068hy,/t/dd00125\"", "/m/068hy", "line 4: not: id, start, end")]
    [InlineData("cremad", "cremad.csv", "1003_IEO_SAD_HI", "1003", "line 4: '1003.wav'")]
    public void Lists_that_are_not_the_publishers_are_refused(string name, string list, string from, string to, string said)
    {
        using DataSetCopy copy = DataSetCopy.Of(name);
        copy.Text(list, File.ReadAllText(copy[list]).Replace(from, to));
        Assert.Contains(said, Refused(name, copy));
        Assert.False(File.Exists(copy["task.csv"]));
    }

    [Fact]
    public void A_speaker_on_both_sides_is_told()
    {
        using DataSetCopy copy = DataSetCopy.Of("cremad");
        copy.Sounds("AudioWAV/1001_IEO_SAD_HI.wav").Text("cremad.csv", File.ReadAllText(copy["cremad.csv"]) + "1001_IEO_SAD_HI.wav,SAD,1001,train\n");
        Assert.Contains("1 speakers are in more than one part: 1001", Import("cremad", copy).Problems);
    }

    [Fact]
    public void A_list_is_never_overwritten()
    {
        using DataSetCopy copy = DataSetCopy.Of("voxforge");
        string list = copy["voxforge.csv"], before = File.ReadAllText(list);
        Assert.Contains("would destroy", Refused("voxforge", copy, new ImportOptions()));
        Assert.Equal(before, File.ReadAllText(list));
    }

    [Fact]
    public void A_list_without_line_ends_is_not_held_in_memory()
    {
        using DataSetCopy copy = DataSetCopy.Of("spcv2");
        copy.Text("testing_list.txt", new string('x', 1 << 20));
        Assert.Contains("testing_list.txt, line 1: longer than 65536 characters", Refused("spcv2", copy));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_named_before_the_search()
    {
        using DataSetCopy copy = new();
        Assert.Contains("name of the file to write is empty", Refused("esc50", copy, new ImportOptions { Output = "" }));
        Assert.Contains(copy["none"], Refused("esc50", copy, new ImportOptions { Output = copy["none/task.csv"] }));
        Assert.Contains("no folder ''", Assert.Throws<UserErrorException>(() => TaskImport.Run(KnownImports.Find("esc50"), "", new ImportOptions())).Message);
    }

    [Fact]
    public void What_needs_no_list_takes_none()
    {
        using DataSetCopy copy = DataSetCopy.Of("esc50");
        Assert.Contains("needs no list", Refused("esc50", copy, new ImportOptions { Split = copy["meta/esc50.csv"] }));
    }

    [Fact]
    public void A_cancelled_import_writes_nothing()
    {
        using DataSetCopy copy = new();
        copy.List("validation_list.txt", [.. Enumerable.Range(0, 20_000).Select(i => $"bed/{i}.wav")]).List("testing_list.txt", "bed/a.wav").Sounds("bed/a.wav");
        using CancellationTokenSource cancellation = new();
        Assert.Throws<OperationCanceledException>(() =>
            TaskImport.Run(KnownImports.Find("spcv2"), copy.Folder, new ImportOptions(), new Relay<WorkProgress>(_ => cancellation.Cancel()), cancellation.Token));
        Assert.False(File.Exists(copy["spcv2.csv"]));
    }

    private static ImportedTask Import(string name, DataSetCopy copy, ImportOptions? options = null) =>
        TaskImport.Run(KnownImports.Find(name), copy.Folder, options ?? new ImportOptions { Output = copy["task.csv"] });

    private static string Refused(string name, DataSetCopy copy, ImportOptions? options = null)
    {
        string message = Assert.Throws<UserErrorException>(() => Import(name, copy, options)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
