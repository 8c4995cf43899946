using OtoMask.Distributed;

namespace OtoMask.Tests.Distributed;

/// <summary>What launchers tell a process in its environment, and what is made of it.</summary>
public sealed class LaunchersTests
{
    [Fact]
    public void Nobody_tells_a_process_that_is_alone()
    {
        Assert.Null(Find(""));
        Assert.Null(Find("RANK=0 WORLD_SIZE=1 MASTER_ADDR=here"));
        Assert.Null(Find("SLURM_PROCID=0 SLURM_NTASKS=1"));
        Assert.Null(Find("SLURM_PROCID=0 SLURM_NTASKS=4 SLURM_JOB_NAME=bash SLURM_NODELIST=a"));
        Assert.Null(Find("SLURM_JOB_ID=7 HOME=/"));
    }

    [Fact]
    public void Torchrun_tells_rank_world_and_where_its_store_is()
    {
        RankPlace place = Find("RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4 GROUP_RANK=1 MASTER_ADDR=node1 MASTER_PORT=4711 TORCHELASTIC_RUN_ID=job "
            + "TORCHELASTIC_RESTART_COUNT=2 TORCHELASTIC_USE_AGENT_STORE=True OMP_NUM_THREADS=1")!;
        Assert.Equal((5, 8, 1, 4), (place.Rank, place.Size, place.LocalRank, place.LocalSize));
        Assert.Equal(("node1", 4711, "job-2"), (place.Host, place.Port, place.Attempt));
        Assert.True(place is { LauncherHoldsStore: true, IsStarved: true, IsOneMachine: false });
    }

    [Fact]
    public void Slurm_tells_it_in_words_of_its_own()
    {
        RankPlace place = Find("SLURM_PROCID=3 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_NNODES=4 SLURM_TASKS_PER_NODE=2(x4) SLURM_NODELIST=gpu[07-09,12] SLURM_JOB_ID=99 SLURM_RESTART_COUNT=1")!;
        Assert.Equal((3, 8, 1, 2), (place.Rank, place.Size, place.LocalRank, place.LocalSize));
        Assert.Equal(("gpu07", RankPlace.DefaultPort, "99-1"), (place.Host, place.Port, place.Attempt));
        Assert.True(Find("SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=1 SLURM_NODELIST=alone")!.IsOneMachine);
        Assert.Equal("told", Find("SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_LOCALID=1 SLURM_NODELIST=alone MASTER_ADDR=told")!.Host);
    }

    [Fact]
    public void Open_Mpi_does_too_within_a_job_of_Slurm()
    {
        RankPlace place = Find("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2 SLURM_PROCID=0 SLURM_NTASKS=1 PMIX_NAMESPACE=x1")!;
        Assert.Equal((1, 2, 1, 2, "127.0.0.1", "x1"), (place.Rank, place.Size, place.LocalRank, place.LocalSize, place.Host, place.Attempt));
        Refused("MASTER_ADDR", "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2");
    }

    [Fact]
    public void What_this_program_tells_those_that_it_starts_is_read_back()
    {
        var place = new RankPlace(2, 3, 2, 3) { Launcher = "otomask", StoreFile = "/tmp/a folder/store" };
        Dictionary<string, string> told = Launchers.VariablesOf(place).ToDictionary(pair => pair.Name, pair => pair.Value);
        Assert.Equal(place, Launchers.Find(told.GetValueOrDefault));
    }

    [Theory]
    [InlineData("RANK=2 WORLD_SIZE=2 MASTER_ADDR=a LOCAL_RANK=0 LOCAL_WORLD_SIZE=1", "rank 2 of 2")]
    [InlineData("RANK=0 WORLD_SIZE=2", "MASTER_ADDR")]
    [InlineData("RANK=x WORLD_SIZE=2 MASTER_ADDR=a", "RANK=x")]
    [InlineData("RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=http", "MASTER_PORT=http")]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_NODELIST=a[", "SLURM's list")]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=2", "SLURM_NODELIST")]
    public void What_cannot_be_is_refused(string variables, string named) => Refused(named, variables);

    [Theory]
    [InlineData("one", "one")]
    [InlineData("one,two", "one")]
    [InlineData("gpu[07-12,20],login", "gpu07")]
    [InlineData("rack[3,5]-node", "rack3-node")]
    [InlineData("a[1]", "a1")]
    [InlineData("login,gpu[1-2]", "login")]
    public void The_first_host_of_a_list(string list, string first) => Assert.Equal(first, Launchers.FirstHost(list));

    private static void Refused(string named, string variables) => Assert.Contains(named, Assert.Throws<UserErrorException>(() => Find(variables)).Message);

    private static RankPlace? Find(string variables)
    {
        Dictionary<string, string> set = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        return Launchers.Find(set.GetValueOrDefault);
    }
}
