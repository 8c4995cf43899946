using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using OtoMask.Distributed;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Tests.Distributed;

/// <summary>What processes do together, and what becomes of it when one of them is lost.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class TrainingGroupTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Sums_are_those_of_all(int size) => Ranks.Together(size, group =>
    {
        using var scope = new TensorScope();
        foreach (int count in (int[])[1, 2, 7, 1000])
        {
            float[][] each = [.. Enumerable.Range(0, size).Select(rank => Values(rank, count))];
            Tensor mine = Tensor.From(each[group.Rank], count);
            group.Sum(mine);
            Assert.All(mine.ToArray<float>().Select((sum, i) => (sum, i)), pair => Assert.Equal(each.Sum(values => (double)values[pair.i]), pair.sum, 1e-5));
        }
    });

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Sums_of_bfloat16_are_rounded_once(int size) => Ranks.Together(size, group =>
    {
        using var scope = new TensorScope();
        foreach (int count in (int[])[1, 2, 7, 1000, 1_000_001]) // one piece, and several of which the last is smaller
        {
            Tensor[] each = [.. Enumerable.Range(0, size).Select(rank => Tensor.From(Values(rank, count), count).To(DType.BFloat16))];
            Tensor expected = each.Skip(1).Aggregate(each[0].To(DType.Float32), (sum, next) => sum + next.To(DType.Float32)).To(DType.BFloat16);
            Tensor mine = each[group.Rank].Clone();
            group.Sum(mine);
            Assert.Equal(expected.To(DType.Float32).ToArray<float>(), mine.To(DType.Float32).ToArray<float>());
        }
    });

    [Theory]
    [InlineData("auto", "cpu", "gloo")]
    [InlineData("gloo", "cuda", "gloo")]
    [InlineData("nccl", "cpu", "nccl joins CUDA devices")]
    [InlineData("mpi", "cpu", "this build has gloo and nccl")]
    public void Backends_join_the_devices_they_are_for(string asked, string device, string expected) =>
        Assert.Contains(expected, Chosen(asked, device), StringComparison.Ordinal);

    [Theory]
    [InlineData("auto")]
    [InlineData("nccl")]
    public void Without_a_GPU_that_is_said_and_not_what_NCCL_thinks_of_it(string asked)
    {
        if (!TorchRuntime.Has(new Device("cuda:0")))
            Assert.Contains("`device` cuda:0: this machine, or this libtorch, has none", Chosen(asked, "cuda"), StringComparison.Ordinal);
    }

    private static string Chosen(string asked, string device)
    {
        try
        {
            return new GroupOptions { Backend = asked }.RequireBackend(new Device(device), ["gloo", "nccl"]);
        }
        catch (UserErrorException refusal)
        {
            return refusal.Message;
        }
    }

    [Fact]
    public void All_hear_what_each_says_and_what_the_first_one_says() => Ranks.Together(3, group =>
    {
        string[] words = ["", "zwei Wörter\nund mehr", "音"];
        Assert.Equal(words, group.Gather(words[group.Rank]));
        Assert.Equal(["", "", ""], group.Gather(""));
        Assert.Equal("rank 0", group.Told(() => $"rank {group.Rank}"));
        Assert.Equal("", group.Told(() => ""));
        Assert.Null(group.Told(() => null));
        double[] numbers = [group.Rank, 0.1];
        group.Sum(numbers);
        Assert.Equal(3, numbers[0]);
    });

    [Fact]
    public void The_others_wait_for_the_first_one_as_long_as_it_takes()
    {
        int done = 0;
        Ranks.Together(3, group =>
        {
            for (int i = 1; i <= 3; i++)
            {
                group.DoneByFirst(() =>
                {
                    Thread.Sleep(100);
                    Interlocked.Increment(ref done);
                });
                Assert.True(Volatile.Read(ref done) >= i);
            }
        });
        Assert.Equal(3, done);
    }

    [Fact]
    public void Every_place_of_a_batch_belongs_to_one_of_them() => Ranks.Together(3, group =>
    {
        foreach (int batch in (int[])[3, 4, 5, 32, 100])
        {
            (int first, int count) = group.Share(batch);
            int[] all = [.. group.Gather($"{first} {count}").SelectMany(share => Enumerable.Range(int.Parse(share.Split(' ')[0]), int.Parse(share.Split(' ')[1])))];
            Assert.Equal(Enumerable.Range(0, batch), all);
        }
        Assert.Contains("`batch` of 2", Assert.Throws<UserErrorException>(() => group.Share(2)).Message);
    });

    [Fact]
    public void Those_that_would_compute_something_else_are_named() => Ranks.Together(3, group =>
    {
        group.RequireAlike("configuration", "seed: 1\nbatch: 4");
        UserErrorException refused = Assert.Throws<UserErrorException>(() => group.RequireAlike("configuration", $"seed: 1\nbatch: {(group.Rank == 2 ? 8 : 4)}"));
        Assert.Contains("rank 2 has another configuration than rank 0 (batch: 8 and batch: 4)", refused.Message);
    });

    [Fact]
    public void A_file_of_the_first_one_is_read_in_its_place_or_as_a_copy()
    {
        string path = Path.GetTempFileName();
        byte[] content = new byte[40_000_000]; // more than two pieces
        new RandomStream(1, RandomPurpose.Probe).Shuffle<byte>(content.AsSpan(0, 1000));
        (content[0], content[^1]) = (3, 7);
        File.WriteAllBytes(path, content);
        string[] copies = Ranks.Together(3, group =>
        {
            using (SharedFile shared = SharedFile.Of(group, group.IsFirst ? path : null))
                Assert.Equal(path, shared.Path);
            using SharedFile copy = SharedFile.Copy(group, path);
            Assert.Equal(group.IsFirst, copy.Path == path);
            Assert.True(File.ReadAllBytes(copy.Path).AsSpan().SequenceEqual(content));
            return copy.Path;
        });
        Assert.Equal([true, false, false], copies.Select(File.Exists));
        File.Delete(path);
    }

    [Fact]
    public void All_stop_after_the_same_step_whoever_is_asked_to()
    {
        int[] steps = Ranks.Together(3, group =>
        {
            using var cancellation = new CancellationTokenSource();
            using var stop = new StopVote(group, cancellation.Token);
            int step = 0;
            while (!stop.IsCarried())
            {
                if (++step == 5 && group.Rank == 1)
                    cancellation.Cancel();
                Assert.True(step < 100);
            }
            return step;
        });
        Assert.Single(steps.Distinct());
        Assert.InRange(steps[0], 5, 7);
    }

    [Fact]
    public void Where_one_fails_the_others_tell_which_and_why()
    {
        string[] said = SaidByOthers(group => group.Rank == 1 ? throw new IOException("no space left on the disk") : Sum(group));
        Assert.Equal(2, said.Count(line => line == "rank 1 ended: no space left on the disk"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void They_know_whether_its_user_can_mend_that(bool mendable)
    {
        AggregateException failures = Assert.Throws<AggregateException>(() =>
            Ranks.Together(3, group => group.Rank == 1 ? throw (mendable ? new UserErrorException("no such file") : new IOException("no such file")) : Sum(group)));
        Assert.Equal([mendable, mendable], failures.InnerExceptions.OfType<PeerException>().Select(failure => failure.IsUserError));
    }

    [Fact]
    public void So_they_do_where_it_holds_the_store()
    {
        int port = Ranks.FreePort();
        string[] said = SaidByOthers(group => group.IsFirst ? throw new IOException("no space left on the disk") : Sum(group), work =>
            Ranks.At([.. Enumerable.Range(0, 3).Select(rank => new RankPlace(rank, 3, rank, 3) { Launcher = "a test", Port = port })], work));
        Assert.Equal(2, said.Count(line => line == "rank 0 ended: no space left on the disk"));
    }

    [Fact]
    public void Where_one_is_gone_without_a_word_the_others_tell_which() =>
        Assert.All(SaidByOthers(group => group.Rank == 2 ? false : Sum(group)), line => Assert.StartsWith("rank 2 is gone", line));

    [Fact]
    public void Who_does_not_come_is_named()
    {
        string folder = Directory.CreateTempSubdirectory("otomask-ranks-").FullName;
        var place = new RankPlace(0, 3, 0, 3) { Launcher = "a test", StoreFile = Path.Combine(folder, "store") };
        PeerException missing = Assert.Throws<PeerException>(() => TrainingGroup.Join(place, new GroupOptions { FormTimeout = TimeSpan.FromSeconds(1) }, Device.Cpu));
        Assert.StartsWith("rank 1, 2 of 3 did not come within 1 s", missing.Message);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_port_in_use_and_a_store_that_does_not_answer_are_told_as_such()
    {
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        GroupOptions options = new() { FormTimeout = TimeSpan.FromSeconds(1) };
        RankPlace Place(int rank, int at) => new(rank, 2, rank, 2) { Launcher = "a test", Port = at };
        Assert.StartsWith($"port {port} is in use", Assert.Throws<UserErrorException>(() => TrainingGroup.Join(Place(0, port), options, Device.Cpu)).Message);
        listener.Stop();
        Assert.StartsWith($"no store answers at 127.0.0.1:{port}", Assert.Throws<PeerException>(() => TrainingGroup.Join(Place(1, port), options, Device.Cpu)).Message);
    }

    [Fact]
    public void A_store_of_one_machine_hears_that_machine_alone()
    {
        int port = Ranks.FreePort();
        string[] addresses = [.. NetworkInterface.GetAllNetworkInterfaces().Where(one => one.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(one => one.GetIPProperties().UnicastAddresses).Where(one => one.Address.AddressFamily == AddressFamily.InterNetwork).Select(one => one.Address.ToString())];
        Ranks.At([.. Enumerable.Range(0, 2).Select(rank => new RankPlace(rank, 2, rank, 2) { Launcher = "a test", Port = port })], group =>
        {
            if (group.IsFirst)
            {
                Assert.True(Connects("127.0.0.1", port));
                Assert.All(addresses, address => Assert.False(Connects(address, port)));
            }
            return Sum(group);
        });
    }

    private static bool Sum(TrainingGroup group)
    {
        group.Sum([1]);
        return true;
    }

    private static bool Connects(string address, int port)
    {
        try
        {
            using var client = new TcpClient(address, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string[] SaidByOthers(Func<TrainingGroup, bool> work) => SaidByOthers(work, together => Ranks.Together(3, together));

    private static string[] SaidByOthers(Func<TrainingGroup, bool> work, Func<Func<TrainingGroup, bool>, bool[]> start)
    {
        AggregateException failures = Assert.Throws<AggregateException>(() => start(work));
        string[] said = [.. failures.InnerExceptions.OfType<PeerException>().Select(failure => failure.Message)];
        Assert.Equal(2, said.Length);
        return said;
    }

    private static float[] Values(int rank, int count)
    {
        var random = new RandomStream(5, RandomPurpose.Probe, 0, rank);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
    }
}
