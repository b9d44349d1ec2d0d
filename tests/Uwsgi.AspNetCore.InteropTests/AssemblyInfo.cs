// Each test class runs a web server and an app of its own, and some of them measure memory or fill the machine.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
