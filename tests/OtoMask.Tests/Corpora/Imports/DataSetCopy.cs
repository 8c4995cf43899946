using OtoMask.Audio;
using OtoMask.Tests.Data;

namespace OtoMask.Tests.Corpora.Imports;

/// <summary>A temporary folder with a tiny look-alike of a data set: the published layout and lists, generated recordings.</summary>
internal sealed class DataSetCopy : IDisposable
{
    private int sounds;

    public string Folder { get; } = Directory.CreateTempSubdirectory("otomask imports ").FullName;

    /// <summary>Folder beside the data set, for what is no part of it.</summary>
    public string Elsewhere { get; } = Directory.CreateTempSubdirectory("otomask elsewhere ").FullName;

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>The look-alike that holds two to four clips of every part.</summary>
    public static DataSetCopy Of(string name)
    {
        DataSetCopy copy = new();
        switch (name)
        {
            case "esc50":
                copy.List("meta/esc50.csv", "filename,fold,target,category,esc10,src_file,take", "1-1-A-0.wav,1,0,dog,True,1,A", "2-7-A-14.wav,2,14,\"chirping, birds\",False,7,A")
                    .Sounds("audio/1-1-A-0.wav", "audio/2-7-A-14.wav");
                break;
            case "us8k":
                copy.List(
                        "metadata/UrbanSound8K.csv", "slice_file_name,fsID,start,end,salience,fold,classID,class",
                        "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark", "100263-2-0-117.wav,100263,58.5,62.5,1,10,2,children_playing")
                    .Sounds("audio/fold5/100032-3-0-0.wav", "audio/fold10/100263-2-0-117.wav");
                break;
            case "fsd50k":
                copy.List("FSD50K.ground_truth/dev.csv", "fname,labels,mids,split", "10,\"Electric_guitar,Guitar\",\"/m/02sgy,/m/0342h\",train", "11,Bark,/m/05tny_,val")
                    .List("FSD50K.ground_truth/eval.csv", "fname,labels,mids", "12,\"Bark,Guitar\",\"/m/05tny_,/m/0342h\"")
                    .Sounds("FSD50K.dev_audio/10.wav", "FSD50K.dev_audio/11.wav", "FSD50K.eval_audio/12.wav");
                break;
            case "audioset" or "as20k":
                const string Header = "# Segments csv created Sun Mar  5 10:54:31 2017\n# num_ytids=2, num_segs=2\n# YTID, start_seconds, end_seconds, positive_labels";
                copy.List("balanced_train_segments.csv", Header, "--4gqARaEJE, 0.000, 10.000, \"/m/068hy,/m/07q6cd_\"", "gone_video_, 0.000, 10.000, \"/m/068hy\"")
                    .List("unbalanced_train_segments.csv", Header, "--U7joUcTCo, 0.000, 10.000, \"/m/01g50p\"")
                    .List("eval_segments.csv", Header, "Yabcdefghij, 30.000, 40.000, \"/m/068hy,/t/dd00125\"")
                    .Sounds("balanced_train_segments/Y--4gqARaEJE.wav", "unbalanced_train_segments/part00/--U7joUcTCo_0.000.wav", "eval_segments/Yabcdefghij_30000_40000.wav");
                break;
            case "spcv2":
                copy.List("validation_list.txt", "bed/0a_nohash_0.wav").List("testing_list.txt", "cat/0b_nohash_0.wav")
                    .Sounds("bed/0a_nohash_0.wav", "bed/0c_nohash_0.wav", "cat/0b_nohash_0.wav", "cat/0c_nohash_1.wav", "_background_noise_/pink_noise.wav");
                break;
            case "voxceleb1":
                copy.List("iden_split.txt", "3 id10001/1zcIwhmdeo4/00001.wav", "1 id10001/7gWzIy6yIIk/00001.wav", "2 id10270/5r0dWxy17C8/00003.wav", "1 id10270/5sJomL_D0_g/00001.wav")
                    .Sounds("dev/wav/id10001/1zcIwhmdeo4/00001.wav", "dev/wav/id10001/7gWzIy6yIIk/00001.wav", "test/wav/id10270/5r0dWxy17C8/00003.wav", "test/wav/id10270/5sJomL_D0_g/00001.wav");
                break;
            case "voxforge":
                copy.List("voxforge.csv", "file_name,label,split", "anna-20080318-kdl/wav/b0019.wav,en,train", "bert-x/wav/de1.wav,de,valid", "carl-y/wav/de2.wav,de,test")
                    .Sounds("anna-20080318-kdl/wav/b0019.wav", "bert-x/wav/de1.wav", "carl-y/wav/de2.wav");
                break;
            case "cremad":
                copy.List("cremad.csv", "file_name,label,speaker_id,split", "1001_DFA_ANG_XX.wav,ANG,1001,test", "1002_DFA_SAD_XX.wav,SAD,1002,train", "1003_IEO_SAD_HI.wav,SAD,1003,valid")
                    .Sounds("AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_DFA_SAD_XX.wav", "AudioWAV/1003_IEO_SAD_HI.wav");
                break;
            case "fsdd":
                copy.Sounds([.. from digit in Enumerable.Range(0, 10) from take in Enumerable.Range(0, 50) select $"recordings/{digit}_jackson_{take}.wav"]);
                break;
            case "gtzan":
                copy.List("train_filtered.txt", "blues/blues.00029.wav", "rock/rock.00001.wav").List("valid_filtered.txt", "rock/rock.00002.wav").List("test_filtered.txt", "blues.00003")
                    .Sounds("genres/blues/blues.00029.au", "genres/rock/rock.00001.wav", "genres/rock/rock.00002.wav", "genres/blues/blues.00003.wav");
                break;
            case "nsynth":
                copy.List("nsynth-train/examples.json", Notes("bass_synthetic_068-049-025", "bass"), "")
                    .List("nsynth-valid/examples.json", Notes("reed_acoustic_018-081-127", "reed"), "")
                    .List("nsynth-test/examples.json", Notes("reed_acoustic_023-067-075", "reed"), "")
                    .Sounds("nsynth-train/audio/bass_synthetic_068-049-025.wav", "nsynth-valid/audio/reed_acoustic_018-081-127.wav", "nsynth-test/audio/reed_acoustic_023-067-075.wav");
                break;
            case "surge":
                copy.List("dataset_surge_tone_splits.csv", "tone,split", "Bass 1,train", "\"Lead, soft\",valid", "Pad,test")
                    .Sounds("Bass 1/21.ogg", "Bass 1/22.ogg", "Lead, soft/21.ogg", "Lead, soft/22.ogg", "Pad/21.ogg", "Pad/22.ogg");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(name), name, "there is no look-alike");
        }
        return copy;
    }

    public DataSetCopy List(string name, params string[] lines) => Text(name, string.Join('\n', lines) + "\n");

    public DataSetCopy Text(string name, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], content);
        return this;
    }

    public DataSetCopy Sounds(params string[] names)
    {
        foreach (string name in names)
            Sound(name, seconds: 0.05);
        return this;
    }

    public DataSetCopy Sound(string name, double seconds)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        AudioFile.WriteWav(this[name], SoundFolder.Sound(seconds, sounds++), SoundFolder.Rate);
        return this;
    }

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        Directory.Delete(Elsewhere, recursive: true);
    }

    private static string Notes(string name, string family) =>
        $$"""{"{{name}}": {"note": 217499, "qualities_str": ["dark", "instrument_family_str"], "instrument_family": 0, "instrument_family_str": "{{family}}", "pitch": 49} }""";
}
