// Embeds the recordings that are posted to it: dotnet run --project samples/WebApi -- RUN [PORT]
// curl --data-binary @clip.wav http://127.0.0.1:5000/embed
using System.Net;
using OtoMask;

const long LargestRecording = 20_000_000; // bytes

if (args is not ([_] or [_, _]) || !int.TryParse(args.ElementAtOrDefault(1) ?? "5000", out int port))
{
    Console.Error.WriteLine("usage: WebSample RUN [PORT] (a run folder or checkpoint; port 0 takes a free one)");
    return 2;
}
Encoder encoder; // one for all requests: it is thread-safe
try
{
    encoder = Encoder.Load(args[0]);
}
catch (UserErrorException mistake)
{
    Console.Error.WriteLine(mistake.Message);
    return 2;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.WebHost.ConfigureKestrel(server =>
{
    server.Listen(IPAddress.Loopback, port); // whoever wants it on a network puts a proxy with a login before it
    server.Limits.MaxRequestBodySize = LargestRecording;
});
WebApplication app = builder.Build();

app.MapPost("/embed", async (HttpRequest request) =>
{
    // The decoders read files; this one is gone when the request is.
    string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
    var temporary = new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        Share = FileShare.ReadWrite | FileShare.Delete,
        Options = FileOptions.DeleteOnClose,
    };
    await using var file = new FileStream(path, temporary);
    try
    {
        await request.Body.CopyToAsync(file);
        await file.FlushAsync();
        return Results.Ok(new Answer(encoder.EncodeClip(path)));
    }
    catch (BadHttpRequestException problem)
    {
        return Results.Problem(problem.Message, statusCode: problem.StatusCode);
    }
    catch (UserErrorException)
    {
        return Results.Problem("the body is no audio: post the bytes of a wav, flac, ogg, opus or mp3 file", statusCode: StatusCodes.Status400BadRequest);
    }
});

using (encoder)
    await app.RunAsync();
return 0;

/// <summary>What a recording's answer holds.</summary>
internal sealed record Answer(float[] Embedding);
