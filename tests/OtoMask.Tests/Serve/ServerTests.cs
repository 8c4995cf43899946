using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using OtoMask.App.Serve;
using OtoMask.App.Serve.Watching;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Distributed;

namespace OtoMask.Tests.Serve;

/// <summary>What the server tells, to whom, and what it keeps to itself.</summary>
public sealed class ServerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly AppFolder folder = new();
    private readonly HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Patience };

    public void Dispose()
    {
        client.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task The_list_tells_how_it_stands_with_every_run()
    {
        ServedFolder.WriteRun(folder, "deep/below/done", 20, 20);
        ServedFolder.WriteRun(folder, "stopped-dwm", 5, 20);
        ServedFolder.WriteRun(folder, "dead", 5, 20, metrics: null);
        ServedFolder.WriteRun(folder, "gone-on-and-dead", 7, 20, metrics: """{"step": 5, "total_steps": 20}""");
        ServedFolder.WriteRun(folder, "diverged", 5, 20, step: number => LogGlanceTests.Step(number) with { Applied = number < 3, Loss = number < 3 ? 1 : double.NaN });
        ServedFolder.WriteRun(folder, ".hidden", 5, 20);
        folder.Place("no-run");
        Directory.CreateSymbolicLink(folder.Inside("linked"), folder.Inside("dead"));
        await using ServedFolder served = await ServedFolder.StartAsync(folder);

        Dictionary<string, JsonElement> lines = (await client.GetFromJsonAsync<JsonElement[]>($"{served.Address}/api/runs"))!.ToDictionary(line => line.GetProperty("id").GetString()!);
        Assert.Equal(["dead", "deep/below/done", "diverged", "gone-on-and-dead", "stopped-dwm"], lines.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["dead", "done", "diverged", "dead", "stopped"], lines.OrderBy(line => line.Key, StringComparer.Ordinal).Select(line => line.Value.GetProperty("state").GetString()!));
        JsonElement stopped = lines["stopped-dwm"];
        Assert.Equal((5, 20, 12.5, 50), (stopped.GetProperty("done").GetInt32(), stopped.GetProperty("all").GetInt32(), stopped.GetProperty("rankMe").GetDouble(), stopped.GetProperty("knn").GetDouble()));
        Assert.EndsWith(", dwm", stopped.GetProperty("what").GetString());
        Assert.False(lines["diverged"].TryGetProperty("loss", out _));   // JSON has no NaN
    }

    [Fact]
    public void A_run_that_is_served_itself_goes_by_the_name_of_its_folder()
    {
        ServedFolder.WriteRun(folder, "mine", 5, 20);
        var book = new RunBook(folder.Inside("mine") + "/");
        book.Look();
        RunLine line = Assert.Single(book.Since(0).Changed);
        Assert.Equal((".", "mine"), (line.Id, line.Name));
    }

    [Fact]
    public async Task A_folder_that_somebody_broke_has_a_line_that_says_so()
    {
        RunFolder run = ServedFolder.WriteRun(folder, "run", 5, 20);
        File.WriteAllText(run.Config, "mask: [\n");
        ServedFolder.WriteRun(folder, "other", 5, 20, metrics: "[1, 2");
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        JsonElement[] lines = (await client.GetFromJsonAsync<JsonElement[]>($"{served.Address}/api/runs"))!;
        Assert.Equal(["other", "run"], lines.Select(line => line.GetProperty("id").GetString()));
        Assert.Contains("config.yaml", lines[1].GetProperty("what").GetString());
        await Task.Delay(1500); // the next look finds it no better
        lines = (await client.GetFromJsonAsync<JsonElement[]>($"{served.Address}/api/runs"))!;
        Assert.Contains("config.yaml", lines[1].GetProperty("what").GetString());
    }

    [Fact]
    public async Task Files_of_a_run_are_shown_under_a_policy_and_nothing_else_is()
    {
        RunFolder run = ServedFolder.WriteRun(folder, "run", 5, 20);
        File.WriteAllText(run.Report, "<script>parent.alert(1)</script>");
        File.WriteAllText(folder.Inside("secret.txt"), "secret");
        RunFolder sly = ServedFolder.WriteRun(folder, "sly", 5, 20);
        File.CreateSymbolicLink(sly.Report, folder.Inside("secret.txt"));
        RunFolder slier = ServedFolder.WriteRun(folder, "slier", 5, 20);
        Directory.CreateSymbolicLink(folder.Inside("slier/checkpoints/up"), folder.Path);
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        await client.GetAsync($"{served.Address}/api/runs");

        using HttpResponseMessage report = await client.GetAsync($"{served.Address}/files/report.html?run=run");
        Assert.StartsWith("sandbox allow-scripts allow-downloads;", report.Headers.GetValues("Content-Security-Policy").Single());
        using HttpResponseMessage log = await client.GetAsync($"{served.Address}/files/log.jsonl?run=run");
        Assert.Equal(("text/plain", "attachment"), (log.Content.Headers.ContentType!.MediaType, log.Content.Headers.ContentDisposition!.DispositionType));
        foreach (string path in (string[])
        [
            "/files/report.html?run=sly", "/files/secret.txt?run=run", "/files/..%2Fsecret.txt?run=run", "/files/secret.txt?run=.", "/files/report.html?run=..", "/files/.lock?run=run",
            "/files/report.html?run=run/../sly", "/files/report.html?run=%2Fetc", "/assets/..%2Fserve.css", "/assets/demo.yaml", "/../secret.txt", "/api/nothing",
        ])
        {
            using HttpResponseMessage answer = await client.GetAsync(served.Address + path);
            Assert.True(answer.StatusCode == HttpStatusCode.NotFound, $"{path}: {answer.StatusCode}");
            Assert.DoesNotContain("secret", await answer.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("evil.example", null, null, HttpStatusCode.MisdirectedRequest)]        // a name that was made to point here
    [InlineData("127.0.0.1.evil.example", null, null, HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost", null, null, HttpStatusCode.OK)]
    [InlineData("[::1]", null, null, HttpStatusCode.OK)]
    [InlineData(null, "http://evil.example", null, HttpStatusCode.Forbidden)]
    [InlineData(null, "null", null, HttpStatusCode.Forbidden)]                        // a report in its sandbox
    [InlineData(null, null, "cross-site", HttpStatusCode.Forbidden)]
    [InlineData(null, null, "same-site", HttpStatusCode.Forbidden)]                   // another port of this machine
    [InlineData(null, null, "same-origin", HttpStatusCode.OK)]
    public async Task Other_pages_are_told_nothing(string? host, string? origin, string? site, HttpStatusCode expected)
    {
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{served.Address}/api/runs");
        if (host is not null)
            request.Headers.Host = $"{host}:{served.Port}";
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        if (site is not null)
            request.Headers.Add("Sec-Fetch-Site", site);
        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.Equal(expected, answer.StatusCode);
        Assert.Contains("frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
        Assert.DoesNotContain("'unsafe-inline'; img", answer.Headers.GetValues("Content-Security-Policy").Single().Split("style-src")[0]);
    }

    [Theory]
    [InlineData(true, false, HttpStatusCode.Forbidden, "another page")]     // a form of another page can send it, but for the mark
    [InlineData(false, true, HttpStatusCode.Conflict, "--control")]
    [InlineData(true, true, HttpStatusCode.Conflict, "no process of this machine trains in run")]
    public async Task Runs_are_stopped_only_where_it_was_allowed_and_by_our_own_page(bool mayControl, bool isMarked, HttpStatusCode expected, string why)
    {
        ServedFolder.WriteRun(folder, "run", 5, 20);
        await using ServedFolder served = await ServedFolder.StartAsync(folder, mayControl);
        await client.GetAsync($"{served.Address}/api/runs");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{served.Address}/api/stop?run=run");
        if (isMarked)
            request.Headers.Add(Guard.Mark, "1");
        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.Equal(expected, answer.StatusCode);
        Assert.Contains(why, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task On_another_address_everybody_needs_the_token()
    {
        string token = Guard.NewToken();
        Assert.Equal(32, token.Length);
        await using ServedFolder served = await ServedFolder.StartAsync(folder, token: token, guarded: IPAddress.Any);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(served.Address)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync($"{served.Address}/?token={Guard.NewToken()}")).StatusCode);
        using HttpResponseMessage known = await client.GetAsync($"{served.Address}/?token={token}");
        string cookie = known.Headers.GetValues("Set-Cookie").Single();
        Assert.Equal((HttpStatusCode.Found, "/"), (known.StatusCode, known.Headers.Location!.ToString()));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        using var request = new HttpRequestMessage(HttpMethod.Get, served.Address);
        request.Headers.Add("Cookie", cookie.Split(';')[0]);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task Fifty_pages_hear_of_a_step_though_one_of_them_never_reads()
    {
        RunFolder run = ServedFolder.WriteRun(folder, "run", 3000, 5000, metrics: null);
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        using var slow = new TcpClient("127.0.0.1", served.Port) { ReceiveBufferSize = 1024 };
        await slow.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /api/live?run=run HTTP/1.1\r\nHost: 127.0.0.1:{served.Port}\r\n\r\n"));
        using var ending = new CancellationTokenSource(Patience);
        Task<string>[] pages = [.. Enumerable.Range(0, 50).Select(_ => HearAsync($"{served.Address}/api/live?run=run", "[4000", ending.Token))];
        await Task.Delay(500, ending.Token);
        File.AppendAllText(run.Log, LogGlanceTests.Step(4000).ToJson() + "\n" + LogGlanceTests.Step(4001).ToJson() + "\n");
        foreach (string heard in await Task.WhenAll(pages))
        {
            Assert.Contains("event: runs", heard);
            Assert.Contains("\"Hint ratio\"", heard);
        }
    }

    [Fact]
    public async Task A_page_hears_of_a_run_that_goes_and_of_the_others_though_a_log_cannot_be_read()
    {
        ServedFolder.WriteRun(folder, "goes", 5, 20);
        RunFolder bad = ServedFolder.WriteRun(folder, "bad", 5, 20);
        File.Delete(bad.Log);
        Directory.CreateDirectory(bad.Log);
        File.WriteAllText(bad.CheckpointOf(1), "");
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        using var ending = new CancellationTokenSource(Patience);
        Task<string> page = HearAsync($"{served.Address}/api/live?run=bad&run=goes", "\"ids\":[\"bad\"]", ending.Token);
        await Task.Delay(500, ending.Token);
        Directory.Delete(folder.Inside("goes"), recursive: true);
        Assert.Contains("\"Loss\"", await page);
    }

    [Fact]
    public void A_page_is_told_what_the_console_warned_of()
    {
        RunFolder run = ServedFolder.WriteRun(folder, "run", 10, 9000, metrics: null, step: number => LogGlanceTests.Step(number) with { Applied = number != 4 });
        var curves = new RunCurves(run.Log);
        Assert.True(curves.Follow());
        Assert.Equal("1 steps changed nothing: loss or gradient was not finite", Assert.Single(curves.Notes));
        File.AppendAllLines(run.Log, [new EvaluationRecord(20, 2, "rankme", 1.1).ToJson(), new ChangeRecord(20, "workers", "2", "4").ToJson(), new WarningRecord(20, "another <version>").ToJson()]);
        Assert.True(curves.Follow());
        Assert.Equal(4, curves.Notes.Count);
        Assert.StartsWith("from step 20 on: workers 2", curves.Notes[0]);
        Assert.Contains("collapsing after 2 epochs: RankMe fell from 12.5 to 1.1", curves.Notes[2]);
        Assert.Equal("another <version>", curves.Notes[1]);
    }

    [Fact]
    public void What_was_sent_of_a_curve_and_what_follows_make_the_curve()
    {
        RunFolder run = ServedFolder.WriteRun(folder, "run", 2000, 9000, metrics: null);
        var book = new RunBook(folder.Path);
        book.Look();
        var mail = new CurveMail(book, ["run", "no such run"]);
        List<double?[]> loss = [];
        for (int round = 0; round < 6; round++)
        {
            while (mail.Next() is { } news)
            {
                if (!news.Curves.TryGetValue("Loss", out CurveMail.Piece? piece))
                    continue;
                loss = [.. loss.Take(piece.Keep), .. piece.Points];
            }
            File.AppendAllLines(run.Log, Enumerable.Range(2001 + (round * 500), 500).Select(step => LogGlanceTests.Step(step).ToJson()));
        }
        IReadOnlyList<(double X, double Y)> points = [];
        Assert.True(book.With("run", watched => points = ((WatchedRun)watched).Curves!.ByName["Loss"].Points));
        Assert.Equal(points.Select(point => point.X), loss.Select(point => point[0]!.Value));
        mail.End();
        Assert.True(book.With("run", watched => Assert.Null(((WatchedRun)watched).Curves)));
    }

    [Fact]
    public void The_command_says_where_the_page_is_and_ends_by_Ctrl_C()
    {
        ServedFolder.WriteRun(folder, "run", 5, 20);
        int port = Ranks.FreePort();
        using AppProcess app = AppProcess.Start("serve", folder.Path, "--port", $"{port}");
        string page = ServedFolder.Poll($"http://localhost:{port}/", app);
        Assert.Contains("<h1>Runs</h1>", page);
        Assert.DoesNotMatch("<script>|onclick", page);
        AppProcess.Run("serve", folder.Path, "--port", $"{port}").AssertUserError($"port {port}", "--port");
        app.Signal("INT");
        AppResult result = app.Wait();
        Assert.Equal((130, "otomask: stopped\n"), (result.ExitCode, result.Error));
        Assert.StartsWith($"http://127.0.0.1:{port}/\n", result.Output);
    }

    [Theory]
    [InlineData("nowhere", "no folder nowhere")]
    [InlineData(".", "--address localhost is no IP address", "--address", "localhost")]
    [InlineData(".", "65535", "--port", "70000")]
    public void A_mistake_is_one_line(string place, string says, params string[] options) => AppProcess.Run(["serve", place, .. options]).AssertUserError(says);

    private static async Task<string> HearAsync(string address, string until, CancellationToken cancellation)
    {
        using var client = new HttpClient();
        using Stream stream = await client.GetStreamAsync(address, cancellation);
        using var reader = new StreamReader(stream);
        var heard = new StringBuilder();
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            heard.AppendLine(line);
            if (line.Contains(until, StringComparison.Ordinal))
                break;
        }
        return heard.ToString();
    }
}
