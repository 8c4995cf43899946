using System.CommandLine;
using System.Net;
using OtoMask.App.Serve;

namespace OtoMask.App.Commands;

/// <summary><c>otomask serve [FOLDER]</c>: a page in the browser that shows the runs below a folder while they train.</summary>
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
        Command command = new("serve", "Show the runs below a folder in the browser, live.") { folder, port, address, control };
        command.SetAction(async (line, cancellation) =>
        {
            string listens = line.GetRequiredValue(address);
            if (!IPAddress.TryParse(listens, out IPAddress? at))
                throw new UserErrorException($"--address {listens} is no IP address; give one of this machine's, such as 127.0.0.1 or 0.0.0.0 for all");
            var book = new RunBook(line.GetRequiredValue(folder));
            string? token = IPAddress.IsLoopback(at) ? null : Guard.NewToken();
            await new Server(book, new Guard(at, token), line.GetValue(control)).RunAsync(at, port.Read(line), Tell, cancellation);

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
