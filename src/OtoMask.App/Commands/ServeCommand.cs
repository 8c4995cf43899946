using System.CommandLine;
using System.Net;
using OtoMask.App.Serve;
using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Mapping;
using OtoMask.App.Serve.Watching;
using OtoMask.Corpora;

namespace OtoMask.App.Commands;

/// <summary><c>otomask serve [FOLDER]</c>: pages in the browser that show the runs below a folder while they train, what masks hide of sounds, and embeddings.</summary>
internal static class ServeCommand
{
    private const int UsualPort = 7460, LargestPort = 65535;

    public static Command Create()
    {
        Argument<string> folder = new("FOLDER") { Description = "Where runs, fine-tunings and studies lie, at any depth.", DefaultValueFactory = _ => "." };
        NumberOption<int> port = new("--port", new NumberRange(0, LargestPort), "Port of the page (0 = any that is free).") { DefaultValueFactory = _ => UsualPort, HelpName = "N" };
        Option<string> address = new("--address")
        {
            Description = "Address to listen on. Any other than this machine's own (127.0.0.1) opens the page to the network, to whoever has the token in the address printed.",
            DefaultValueFactory = _ => "127.0.0.1",
            HelpName = "IP",
        };
        Option<bool> control = new("--control") { Description = "Let the page stop runs, with a checkpoint, and resume them." };
        Option<string[]> data = new("--data")
        {
            Description = "Recordings that the pages of masks and embeddings may show and play: a folder, or a CSV with a file_name column; with label and split, it is a task. What `otomask data fetch` assembled is there unasked.",
            HelpName = "CLIPS",
        };
        Option<string> assembled = new("--data-dir") { Description = "Where assembled audio is kept.", DefaultValueFactory = _ => TaskAssembler.DefaultRoot, HelpName = "DIR" };
        Command command = new("serve", "Show the runs below a folder in the browser, live; see and hear what masks hide, and what lies near what.") { folder, port, address, control, data, assembled };
        command.SetAction(async (line, cancellation) =>
        {
            string listens = line.GetRequiredValue(address);
            if (!IPAddress.TryParse(listens, out IPAddress? at))
                throw new UserErrorException($"--address {listens} is no IP address; give one of this machine's, such as 127.0.0.1 or 0.0.0.0 for all");
            var book = new RunBook(line.GetRequiredValue(folder));
            string? token = IPAddress.IsLoopback(at) ? null : Guard.NewToken();
            var sets = new SoundSets(line.GetValue(data) ?? [], line.GetRequiredValue(assembled));
            await new Server(new Guard(at, token), new RunRoutes(book, line.GetValue(control)), new MaskRoutes(book, sets), new MapRoutes(book, sets)).RunAsync(at, port.Read(line), Tell, cancellation);

            void Tell(int listening)
            {
                string host = at.Equals(IPAddress.Any) || at.Equals(IPAddress.IPv6Any) ? Dns.GetHostName() : at.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{at}]" : $"{at}";
                Terminal.Tell($"http://{host}:{listening}/{(token is null ? "" : $"?token={token}")}");
                if (token is not null)
                    Terminal.Tell("the connection is not encrypted; on a network that others share, tunnel it (ssh -L)");
                Terminal.Tell("Ctrl-C ends the page; runs go on");
            }
        });
        return command;
    }
}
